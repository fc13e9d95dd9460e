"""What a file is, from its first bytes alone: names and extensions lie."""

from __future__ import annotations

HEAD = 64  # bytes that decide

_BRANDS = {b"avif": "avif", b"avis": "avif"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "heic"
)
_BMP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}  # sizes of the known BITMAPINFO headers
_MARKS = {
    b"\xff\xd8\xff": "jpeg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"GIF87a": "gif",
    b"GIF89a": "gif",
} | dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "tiff")  # classic and BigTIFF, both byte orders

_ATOMS = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}  # QuickTime before it had a ftyp
_CONTAINERS = {
    b"\x1aE\xdf\xa3": "matroska",
    b"FLV\x01": "flv",
    b"0&\xb2u\x8ef\xcf\x11": "asf",
    b"OggS": "ogg",
    b"\0\0\x01\xba": "mpeg",
    b"G@\0": "mpegts",  # a packet of its program table, with which nearly all begin
    b"G@\x11": "mpegts",  # of its service description, with which FFmpeg's do
}


def sniff(head: bytes) -> str | None:
    """The kind that the first ``HEAD`` bytes declare, None where they declare no picture.

    One of "jpeg", "png", "gif", "webp", "bmp", "tiff", "avif", "heic".
    """
    for mark, kind in _MARKS.items():
        if head.startswith(mark):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    return _iso_media(head) if head[4:8] == b"ftyp" else None


def container(head: bytes) -> str | None:
    """The container of a video that the first ``HEAD`` bytes declare, None where they declare none.

    One of FFmpeg's names: "mov" (MP4, QuickTime), "matroska" (WebM), "avi", "mpegts", "mpeg", "flv", "asf",
    "ogg". What it holds may still be sound alone.
    """
    if head[4:8] == b"ftyp":
        return None if sniff(head) else "mov"
    if head[4:8] in _ATOMS:
        return "mov"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    return next((kind for mark, kind in _CONTAINERS.items() if head.startswith(mark)), None)


def _iso_media(head: bytes) -> str | None:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    kinds = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
    # mif1 only says "still image"; a file that also names avif is one.
    return "avif" if "avif" in kinds else (kinds[0] if kinds else None)
