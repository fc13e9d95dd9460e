from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from dinoscope.errors import MissingExtra, NotAPicture, PictureTooLarge
from dinoscope.geometry import Size
from dinoscope.pictures.colour import _transform
from dinoscope.pictures.completeness import _idat
from dinoscope.pictures.decoding import decode
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.metadata import Metadata

FileOf = Callable[..., bytes]
EVERY_FORMAT = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"]
ORIENTATION = 0x0112


def is_red(pixel: np.ndarray) -> bool:
    red, green, blue = (int(value) for value in pixel)
    return red > 180 and green < 90 and blue < 90


@pytest.mark.parametrize("kind", EVERY_FORMAT)
def test_every_format_gives_the_same_picture(
    kind: str, corner: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    decoded = decode(file_of(corner, kind), limits, where="it")
    assert decoded.kind == kind.lower()
    assert decoded.size == Size(64, 48)
    assert decoded.pixels.shape == (48, 64, 3)
    assert is_red(decoded.pixels[4, 4])
    assert abs(int(decoded.pixels[40, 60, 1]) - 128) < 8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_picture_is_upright_whatever_the_camera_was(
    kind: str, orientation: int, corner: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    image = corner if stored is None else corner.transpose(stored)
    decoded = decode(file_of(image, kind, exif=exif), limits, where="it")
    assert decoded.size == Size(64, 48)
    assert is_red(decoded.pixels[4, 4])
    assert not is_red(decoded.pixels[44, 60])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_png_mode_becomes_eight_bit_rgb(
    mode: str, corner: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    if mode == "I;16":
        grey = np.asarray(corner.convert("L"), np.uint16) * 257
        image = Image.fromarray(grey)
    else:
        image = corner.quantize(8) if mode == "P" else corner.convert(mode)
    pixels = decode(file_of(image, "PNG"), limits, where="it").pixels
    assert pixels.dtype == np.uint8
    assert pixels.shape == (48, 64, 3)
    if mode != "1":
        assert abs(int(pixels[40, 60, 1]) - 128) <= 2


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB", "F", "I"])
def test_every_tiff_mode_becomes_eight_bit_rgb(
    mode: str, corner: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(corner, ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
        assert image is not None
    else:
        image = corner.convert("L").convert(mode) if mode in "FI" else corner.convert(mode)
    pixels = decode(file_of(image, "TIFF"), limits, where="it").pixels
    assert abs(int(pixels[40, 60, 1]) - 128) <= 4


def test_cmyk_jpeg_is_not_a_negative(corner: Image.Image, file_of: FileOf, limits: Limits) -> None:
    pixels = decode(file_of(corner.convert("CMYK"), "JPEG", quality=95), limits, where="it").pixels
    assert is_red(pixels[4, 4])


def test_floats_with_nan_and_infinity_are_shown(file_of: FileOf, limits: Limits) -> None:
    values = np.linspace(0, 1, 48 * 64, dtype=np.float32).reshape(48, 64)
    values[0, 0], values[0, 1] = np.nan, np.inf
    pixels = decode(file_of(Image.fromarray(values), "TIFF"), limits, where="it").pixels
    assert pixels[47, 63, 0] == 255
    assert pixels[0, 0, 0] == 0


def test_transparency_is_laid_on_white(file_of: FileOf, limits: Limits) -> None:
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    palette = Image.new("P", (20, 20), 0)
    for image, options in ((clear, {}), (palette, {"transparency": 0})):
        pixels = decode(file_of(image, "PNG", **options), limits, where="it").pixels
        assert (pixels == 255).all()


def test_what_is_transparent_is_known_upright_and_at_the_scale_of_the_pixels(
    file_of: FileOf, limits: Limits
) -> None:
    image = Image.new("RGBA", (1200, 600), (0, 0, 0, 0))
    image.paste((200, 30, 30, 255), (0, 0, 300, 300))  # top left; turned by a quarter it is top right
    exif = Image.Exif()
    exif[0x0112] = 6
    found = decode(file_of(image, "PNG", exif=exif), limits, where="it", at_least=300)
    assert found.opacity is not None
    assert found.opacity.shape == found.pixels.shape[:2] == (600, 300)
    there = found.opacity > 127
    assert there[:150, 150:].all()
    assert there.sum() == 150 * 150
    assert ((found.pixels == 255).all(axis=2) == ~there).all()


def test_a_picture_opaque_all_over_says_no_more(corner: Image.Image, file_of: FileOf, limits: Limits) -> None:
    for mode in ("RGB", "RGBA", "LA", "L", "P"):
        assert decode(file_of(corner.convert(mode), "PNG"), limits, where="it").opacity is None
    palette = Image.new("P", (20, 20), 1)
    palette.paste(0, (0, 0, 5, 20))
    found = decode(file_of(palette, "PNG", transparency=0), limits, where="it").opacity
    assert found is not None
    assert found[0].tolist() == [0] * 5 + [255] * 15


def test_a_colour_profile_is_applied(corner: Image.Image, file_of: FileOf, limits: Limits) -> None:
    # A profile whose tone curve is linear: half-grey of it is far lighter in sRGB.
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    linear = _with_linear_curves(srgb)
    plain = decode(file_of(corner, "PNG", icc_profile=srgb), limits, where="it").pixels
    lifted = decode(file_of(corner, "PNG", icc_profile=linear), limits, where="it").pixels
    assert int(plain[40, 60, 1]) == 128
    assert int(lifted[40, 60, 1]) > 175


def test_srgb_under_another_name_costs_no_conversion() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert _transform(_under_another_name(srgb), "RGB") is None
    linear = _with_linear_curves(srgb)
    assert _transform(linear, "RGB") is not None
    assert _transform(linear, "RGB") is _transform(linear, "RGB")  # built once


def test_a_broken_colour_profile_is_passed_over(corner: Image.Image, file_of: FileOf, limits: Limits) -> None:
    pixels = decode(file_of(corner, "PNG", icc_profile=b"nonsense" * 40), limits, where="it").pixels
    assert int(pixels[40, 60, 1]) == 128


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_counts(
    kind: str, corner: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    data = file_of(corner, kind, save_all=True, append_images=[Image.new("RGB", corner.size, "blue")])
    assert is_red(decode(data, limits, where="it").pixels[4, 4])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_reduced_decoding_keeps_the_shorter_side_and_tells_the_full_size(
    kind: str, file_of: FileOf, limits: Limits
) -> None:
    image = Image.new("RGB", (1600, 1000), "green")
    decoded = decode(file_of(image, kind), limits, where="it", at_least=224)
    assert decoded.size == Size(1600, 1000)
    height, width = decoded.pixels.shape[:2]
    assert 224 <= min(height, width) < 500
    assert abs(width / height - 1.6) < 0.02


def test_a_small_picture_is_never_enlarged(corner: Image.Image, file_of: FileOf, limits: Limits) -> None:
    assert decode(file_of(corner, "JPEG"), limits, where="it", at_least=224).pixels.shape == (48, 64, 3)


@pytest.mark.parametrize("kind", EVERY_FORMAT)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_a_cut_off_picture_is_refused(
    kind: str, share: float, noise: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    data = file_of(noise, kind)
    with pytest.raises(NotAPicture, match=r"^the photo "):
        decode(data[: int(len(data) * share)], limits, where="the photo")


def test_a_png_with_too_few_rows_is_refused(noise: Image.Image, file_of: FileOf, limits: Limits) -> None:
    data = bytearray(file_of(noise, "PNG"))
    struct.pack_into(">I", data, 20, 600)  # the header now declares four times the rows
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    with pytest.raises(NotAPicture, match="rows are missing"):
        decode(bytes(data), limits, where="it")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_black_png_is_whole_and_a_cut_one_is_not(mode: str, file_of: FileOf, limits: Limits) -> None:
    black = Image.new(mode, (30, 20))
    assert decode(file_of(black, "PNG"), limits, where="it").size == Size(30, 20)
    data = bytearray(file_of(black, "PNG"))
    struct.pack_into(">I", data, 20, 21)  # one row more than there are
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    with pytest.raises(NotAPicture):
        decode(bytes(data), limits, where="it")


def test_a_png_in_one_long_chunk_is_checked_in_linear_time(noise: Image.Image, limits: Limits) -> None:
    # Each inflated piece used to copy all that was left: ten seconds for 100 MB. Counted, not timed.
    header = struct.pack(">IIBBBBB", 1000, 1000, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + noise.tobytes()[:3000] for _ in range(1000))
    data = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 0))
    assert max(len(piece) for piece in _idat(data)) <= 2**16
    assert b"".join(_idat(data)) == zlib.compress(rows, 0)
    assert decode(data + _chunk(b"IEND", b""), limits, where="it").size == Size(1000, 1000)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_jpeg_that_ends_early_but_properly_is_refused(
    share: float, noise: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    data = file_of(noise, "JPEG")
    cut = data[: int(len(data) * share)].rstrip(b"\xff") + b"\xff\xd9"
    for at_least in (None, 40):
        with pytest.raises(NotAPicture, match="not complete"):
            decode(cut, limits, where="it", at_least=at_least)


def test_a_jpeg_that_was_only_half_downloaded_is_refused(
    noise: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    data = file_of(noise, "JPEG")
    preview = b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data  # has an end mark of its own
    half = data[:2] + preview + data[2 : len(data) // 2] + bytes(len(data) // 2)
    with pytest.raises(NotAPicture, match="not complete"):
        decode(half, limits, where="it")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 2}])
def test_a_grey_jpeg_is_whole(options: dict[str, object], file_of: FileOf, limits: Limits) -> None:
    grey = Image.new("RGB", (123, 77), (128, 128, 128))
    data = file_of(grey, "JPEG", **options)
    assert decode(data, limits, where="it").size == Size(123, 77)
    behind = data + b"maker notes" + data  # what phones append: motion, depth, a second picture
    assert decode(behind, limits, where="it").size == Size(123, 77)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("exif", [b"JUNKJUNKJUNK", b"Exif\0\0JUNK", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_malformed_exif_is_never_the_end_of_a_picture(
    kind: str, exif: bytes, corner: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    decoded = decode(file_of(corner, kind, exif=exif), limits, where="it")
    assert decoded.size == Size(64, 48)
    assert decoded.metadata == Metadata()


def test_pillows_own_bomb_limit_is_as_it_was(corner: Image.Image, file_of: FileOf, limits: Limits) -> None:
    before = Image.MAX_IMAGE_PIXELS
    decode(file_of(corner, "TIFF"), limits, where="it")
    with pytest.raises(NotAPicture):
        decode(file_of(corner, "TIFF")[:200], limits, where="it")
    assert Image.MAX_IMAGE_PIXELS == before is not None


@pytest.mark.parametrize("kind", ["AVIF", "TIFF"])
def test_no_sentence_tells_of_the_program(
    kind: str, noise: Image.Image, file_of: FileOf, limits: Limits
) -> None:
    with pytest.raises(NotAPicture) as caught:
        decode(file_of(noise, kind)[:90], limits, where="it")
    assert "BytesIO" not in str(caught.value)


def test_an_interlaced_png_is_whole(limits: Limits) -> None:
    # Pillow cannot write Adam7: seven passes over 3 x 3 grey pixels, by hand.
    header = struct.pack(">IIBBBBB", 3, 3, 8, 0, 0, 0, 1)
    rows = b"\0\x40" * 2 + b"\0\x40\x40" + b"\0\x40" * 2 + b"\0\x40\x40\x40"
    data = (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )
    assert decode(data, limits, where="it").pixels.shape == (3, 3, 3)


@pytest.mark.parametrize("kind", EVERY_FORMAT)
def test_a_picture_over_the_pixel_limit_is_refused_before_it_is_decoded(
    kind: str, corner: Image.Image, file_of: FileOf
) -> None:
    small = Limits(max_bytes=10**6, max_pixels=64 * 48 - 1, max_seconds=1)
    with pytest.raises(PictureTooLarge, match="64 x 48"):
        decode(file_of(corner, kind), small, where="it")


def test_a_bomb_costs_nothing(limits: Limits) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(bytes(2**22)))
    with pytest.raises(PictureTooLarge, match="60000 x 60000"):
        decode(bomb + _chunk(b"IEND", b""), limits, where="it")


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"hello, I am text", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF\0\0\0\0WEBP"]
)
def test_what_is_no_picture_is_refused_in_one_sentence(data: bytes, limits: Limits) -> None:
    with pytest.raises(NotAPicture, match=r"^/a/b\.jpg .*: .*$"):
        decode(data, limits, where="/a/b.jpg")


def test_heic_without_its_extra_names_the_line_to_install(limits: Limits) -> None:
    pytest.importorskip("PIL")
    try:
        import pillow_heif  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtra, match=r"pip install 'dinoscope\[heic\]'"):
            decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), limits, where="it")
    else:
        pytest.skip("pillow-heif is installed")


@pytest.mark.extra
def test_heic_is_decoded(corner: Image.Image, file_of: FileOf, limits: Limits) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    decoded = decode(file_of(corner, "HEIF", quality=95), limits, where="it")
    assert decoded.kind == "heic"
    assert is_red(decoded.pixels[4, 4])


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _with_linear_curves(profile: bytes) -> bytes:
    """The same profile with its tone curves replaced by the identity, and another name."""
    data = bytearray(profile)
    count = struct.unpack_from(">I", data, 128)[0]
    for at in range(132, 132 + 12 * count, 12):
        name, offset = struct.unpack_from(">4sI", data, at)
        if name in {b"rTRC", b"gTRC", b"bTRC"}:
            struct.pack_into(">4sIIH", data, offset, b"curv", 0, 0, 0)
    return _under_another_name(bytes(data))


def _under_another_name(profile: bytes) -> bytes:
    return profile.replace("sRGB".encode("utf-16-be"), "Flat".encode("utf-16-be")).replace(b"sRGB", b"Flat")
