"""Small files that ask for much work."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from tests.hostile.containers import many_scans, plain, tiff
from tests.hostile.pieces import at

from dinoscope.errors import PictureTooLarge
from dinoscope.pictures.decoding import decode
from dinoscope.pictures.labour import MOST_PARTS, MOST_SCANS, check_labour
from dinoscope.pictures.limits import Limits

FileOf = Callable[..., bytes]


def test_a_jpeg_of_hundreds_of_scans_is_refused_before_it_is_decoded() -> None:
    check_labour(many_scans(64, MOST_SCANS), "jpeg", "it")
    with pytest.raises(PictureTooLarge, match=r"^it has more than 100 scans"):
        check_labour(many_scans(64, MOST_SCANS + 1), "jpeg", "it")


def strips(count: int, *, big: bool) -> bytes:
    if big:
        entry = b"\x11\1\4\0" + count.to_bytes(8, "little") + bytes(8)
        return b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + b"\1\0\0\0\0\0\0\0" + entry + bytes(8)
    return tiff(*plain(20, 20)[:5], (273, 4, count, at(200)))


@pytest.mark.parametrize("big", [False, True])
def test_a_tiff_of_more_strips_than_rows_can_be_is_refused(big: bool) -> None:
    check_labour(strips(MOST_PARTS, big=big), "tiff", "it")
    with pytest.raises(PictureTooLarge, match="strips"):
        check_labour(strips(MOST_PARTS + 1, big=big), "tiff", "it")
    check_labour(strips(MOST_PARTS + 1, big=big)[:20], "tiff", "it")  # cut off: the decoder's business


def test_a_decode_asks_first(limits: Limits) -> None:
    for data in (many_scans(64, MOST_SCANS + 1), strips(MOST_PARTS + 1, big=False)):
        with pytest.raises(PictureTooLarge, match="save it anew"):
            decode(data, limits, where="it")


def test_what_programs_write_is_never_refused(noise: Image.Image, file_of: FileOf) -> None:
    check_labour(file_of(noise, "JPEG", progressive=True), "jpeg", "it")
    check_labour(file_of(noise, "TIFF", tiffinfo={278: 1}), "tiff", "it")
    check_labour(file_of(noise, "TIFF", big_tiff=True), "tiff", "it")


@pytest.mark.parametrize("mode", ["P", "1", "L", "I;16", "LA", "RGBA"])
def test_no_mode_comes_whole_when_little_is_asked(
    mode: str, rng: np.random.Generator, file_of: FileOf, limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a palette's bomb would be handed on at its full size."""
    shades = np.repeat(np.repeat(rng.integers(0, 256, (20, 30), np.uint8), 50, 0), 50, 1)
    image = Image.fromarray(shades.astype(np.uint16) * 257 if mode == "I;16" else shades)
    image = image if mode == "I;16" else image.convert(mode)
    data = file_of(image, "PNG", **({"transparency": 0} if mode == "P" else {}))
    decoded = decode(data, limits, where="it", at_least=200)
    assert decoded.pixels.shape == (200, 300, 3)
    assert decoded.size.height == 1000
    assert (decoded.opacity is None) or decoded.opacity.shape == (200, 300)
    monkeypatch.setattr("dinoscope.pictures.decoding._BAND", 1500 * 300)
    assert np.array_equal(decode(data, limits, where="it", at_least=200).pixels, decoded.pixels)
    whole = decode(data, limits, where="it").pixels.reshape(200, 5, 300, 5, 3).mean((1, 3))
    assert np.abs(whole - decoded.pixels).max() <= 1
