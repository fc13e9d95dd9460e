"""How much work a small file can ask of a decoder, where it is cheap to see: refused before it begins.

The time limit of DecodeWorkers ends what is not seen here.
"""

from __future__ import annotations

import struct

from dinoscope.errors import PictureTooLarge

MOST_SCANS = 100  # of a JPEG; encoders write 10. Each goes over all blocks: 2 KB can ask for minutes
MOST_PARTS = 200_000  # strips or tiles of a TIFF: one a row and channel of 65,500 rows. 10 us each, in Python
_START_OF_SCAN = b"\xff\xda"
_PARTS = {273, 324}  # TIFF tags: StripOffsets, TileOffsets
_MOST_ENTRIES = 4096  # looked at in a directory


def check_labour(data: bytes, kind: str, where: str) -> None:
    """Refuse what would keep a decoder busy out of all proportion.

    Raises:
        PictureTooLarge: too many scans or strips.
    """
    if kind == "jpeg" and _scans(data) > MOST_SCANS:
        raise PictureTooLarge(f"{where} has more than {MOST_SCANS} scans: save it anew with another program")
    if kind == "tiff" and _parts(data) > MOST_PARTS:
        raise PictureTooLarge(
            f"{where} lies in more than {MOST_PARTS:,} strips: save it anew with another program"
        )


def _scans(data: bytes) -> int:
    """Marks of a scan's start with a plausible length; never in a scan's own bytes, where 0xff is stuffed."""
    count, at = 0, data.find(_START_OF_SCAN)
    while at >= 0 and count <= MOST_SCANS:
        length, components = int.from_bytes(data[at + 2 : at + 4], "big"), data[at + 4 : at + 5]
        count += bool(components) and length == 6 + 2 * components[0]
        at = data.find(_START_OF_SCAN, at + 2)
    return count


def _parts(data: bytes) -> int:
    """As many strips or tiles as the first directory declares; 0 where there is none to be read."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in {b"+\0", b"\0+"}
    try:
        if big:
            (start,) = struct.unpack_from(f"{order}Q", data, 8)
            (entries,) = struct.unpack_from(f"{order}Q", data, start)
        else:
            (start,) = struct.unpack_from(f"{order}I", data, 4)
            (entries,) = struct.unpack_from(f"{order}H", data, start)
        entry = struct.Struct(f"{order}HHQ8x" if big else f"{order}HHI4x")
        start += 8 if big else 2
        found = [
            entry.unpack_from(data, start + at * entry.size) for at in range(min(entries, _MOST_ENTRIES))
        ]
    except struct.error:
        return 0
    return max((count for tag, _, count in found if tag in _PARTS), default=0)
