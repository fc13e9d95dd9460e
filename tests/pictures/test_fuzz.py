"""Files that were changed at random: an answer or one sentence, never another exception."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from dinoscope.errors import DinoscopeError, MissingExtra, NotAPicture, PictureTooLarge
from dinoscope.pictures.decoding import decode
from dinoscope.pictures.limits import Limits

CASES = 250  # per format; a longer run is a change of this number


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_a_mutated_file_is_decoded_or_refused_in_one_sentence(
    kind: str, rng: np.random.Generator, file_of: Callable[..., bytes], limits: Limits
) -> None:
    small = Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    options = {} if kind in {"GIF", "BMP"} else {"exif": exif}
    whole = np.frombuffer(file_of(small, kind, **options), np.uint8)
    refusals: list[DinoscopeError] = []
    for case in range(CASES):
        data = whole.copy()
        # Half of the changes fall into the first 64 bytes, where the headers are.
        reach = min(64, len(data)) if case % 2 else len(data)
        where = rng.integers(0, reach, rng.integers(1, 8))
        data[where] = rng.integers(0, 256, len(where))
        cut = len(data) if case % 3 else int(rng.integers(1, len(data) + 1))
        try:
            decoded = decode(data[:cut].tobytes(), limits, where="the file", at_least=16)
        except DinoscopeError as refusal:
            refusals.append(refusal)
        else:
            assert decoded.pixels.dtype == np.uint8
    assert 0 < len(refusals) < CASES
    for each in refusals:
        # MissingExtra: an AVIF whose brand now says HEIC, where the extra is not installed.
        assert isinstance(each, NotAPicture | PictureTooLarge | MissingExtra)
        assert str(each).startswith("the file ")
        assert "\n" not in str(each)
