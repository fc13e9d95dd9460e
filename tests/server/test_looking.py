"""Pictures that are looked into: no larger in memory than the look needs."""

from __future__ import annotations

from pathlib import Path

import anyio
import numpy as np
from tests.server.conftest import Colours, asking, paint

from dinoscope.library.library import Library
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.session import Session
from dinoscope.server.app import create_app
from dinoscope.server.looking import named, pixels_of, reduced
from dinoscope.settings import Settings


def test_blocks_are_averaged_and_the_shorter_side_stays_long_enough() -> None:
    pixels = np.zeros((70, 400, 3), np.uint8)
    pixels[:, 1::2] = 100
    small = reduced(pixels, 35)
    assert small.shape == (35, 200, 3)
    assert (small == 50).all()
    assert reduced(pixels, 36) is pixels


def test_a_picture_with_a_palette_is_reduced_too(settings: Settings, tmp_path: Path) -> None:
    """Its decoder gives it whole, which at 256 megapixels is 0.8 GB."""
    folder = tmp_path / "large"
    folder.mkdir()
    paint(50, 1600, 1500).convert("P").save(folder / "palette.png")
    with Library.open(settings.library, write=True) as library:
        list(index_folders([folder], library, Colours(), settings))
        picture = library.picture(25)
    assert picture.size.width == 1600
    with (
        Session(Library.open(settings.library), settings, Colours()) as session,
        asking(create_app(settings, session)) as client,
    ):
        parts = client.app.state.parts  # type: ignore[attr-defined]

        async def shape() -> tuple[int, ...]:
            return (await pixels_of(parts, await named(parts, str(picture.id)), 500)).shape

        assert anyio.run(shape) == (500, 534, 3)
