"""Colours mean the same part in every picture, wherever it lies, whatever the sign of an eigenvector."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from dinoscope.features import FloatArray, Inside, normalise
from dinoscope.geometry import PatchGrid, Size
from dinoscope.operations import colouring
from dinoscope.operations.colouring import Palette, fit_palette

D, SIDE = 24, 12
PARTS = ("head", "body", "legs", "tail")
RNG = np.random.default_rng(5)
HEAD, BODY, LEGS, TAIL, GROUND = normalise(RNG.standard_normal((5, D)).astype(np.float32))
PLACE = 0.25 * RNG.standard_normal((2, D))  # what any patch also says: how far right, how far down


def animal(seed: int, noise: float = 0.05) -> tuple[Inside, dict[str, tuple[int, int]]]:
    """Head, body, legs and tail somewhere on a ground, in a model that also tells places; CLS looks at it."""
    rng = np.random.default_rng(seed)
    vectors = np.tile(GROUND, (SIDE, SIDE, 1)).astype(np.float64)
    attention = np.full((2, SIDE, SIDE), 1e-4, np.float32)
    top, left = (int(number) for number in rng.integers(0, (SIDE - 2, SIDE - 8)))
    flipped = rng.random() < 0.5
    where = {}
    for step, (name, part) in enumerate({"head": HEAD, "body": BODY, "legs": LEGS, "tail": TAIL}.items()):
        column = left + 2 * (3 - step if flipped else step)
        vectors[top : top + 2, column : column + 2] = part
        attention[:, top : top + 2, column : column + 2] = 0.05
        where[name] = (top, column)
    vectors += noise * rng.standard_normal(vectors.shape)
    down, across = np.meshgrid(*[np.linspace(-1, 1, SIDE)] * 2, indexing="ij")
    vectors += across[..., None] * PLACE[0] + down[..., None] * PLACE[1]
    grid = PatchGrid(SIDE, SIDE, 16, Size(SIDE * 20, SIDE * 20))
    return Inside("m", 1, "tokens", grid, normalise(vectors.astype(np.float32)), attention), where


@pytest.fixture(scope="module")
def palette() -> Palette:
    return fit_palette([animal(seed)[0] for seed in range(40)])


def colour(palette: Palette, seed: int, part: str) -> FloatArray:
    inside, where = animal(seed)
    return np.asarray(palette.paint(inside).rgb[where[part]], np.float32)


def told_apart(palette: Palette) -> float:
    """How far the colours of two parts are from each other, in spreads of one part's; the worst two."""
    colours = [np.stack([colour(palette, seed, part) for seed in range(100, 130)]) for part in PARTS]
    spread = max(float(np.linalg.norm(own - own.mean(0), axis=1).mean()) for own in colours)
    middles = [own.mean(0) for own in colours]
    return min(float(np.linalg.norm(middles[a] - middles[b])) for a, b in combinations(range(4), 2)) / spread


def test_a_part_has_one_colour_in_every_picture_and_place(palette: Palette) -> None:
    """Also in pictures the palette was not fitted on."""
    assert told_apart(palette) > 4


def test_plain_components_would_tell_places_instead(
    palette: Palette, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault that the module is there to avoid."""
    monkeypatch.setattr(colouring, "_place", lambda places, patches, _: np.zeros((13, D), np.float32))
    plain = fit_palette([animal(seed)[0] for seed in range(40)])
    assert told_apart(palette) > 2 * told_apart(plain)


def test_foreground_is_what_is_looked_at(palette: Palette) -> None:
    inside, where = animal(200)
    foreground = palette.paint(inside).foreground
    is_animal = inside.attention[0] > 0.01
    assert foreground[is_animal].min() > 0.5
    assert foreground[~is_animal].max() < 0.5
    assert foreground[where["head"]] > 0.9


def test_the_same_pictures_give_the_same_palette_in_any_order(palette: Palette) -> None:
    again = fit_palette([animal(seed)[0] for seed in reversed(range(40))])
    inside, _ = animal(300)
    assert np.abs(again.paint(inside).rgb.astype(int) - palette.paint(inside).rgb).max() <= 1


def test_an_axis_sign_is_not_left_to_chance(palette: Palette, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another library of linear algebra may give each eigenvector the other sign: colours stay."""
    eigh = np.linalg.eigh

    def turned(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
        values, vectors = eigh(matrix)
        return values, -vectors

    monkeypatch.setattr(np.linalg, "eigh", turned)
    again = fit_palette([animal(seed)[0] for seed in range(40)])
    inside, _ = animal(300)
    assert np.abs(again.paint(inside).rgb.astype(int) - palette.paint(inside).rgb).max() <= 1


def test_background_is_darker_than_what_is_looked_at(palette: Palette) -> None:
    inside, _ = animal(200)
    brightness = palette.paint(inside).rgb.mean(axis=-1)
    is_animal = inside.attention[0] > 0.01
    assert brightness[is_animal].mean() > brightness[~is_animal].mean()


@pytest.mark.parametrize("attention", [0.0, 0.01])
def test_where_attention_tells_nothing_all_is_foreground(attention: float) -> None:
    seen = [
        replace(one, attention=np.full_like(one.attention, attention))
        for one, _ in (animal(seed) for seed in range(10))
    ]
    colours = fit_palette(seen).paint(seen[0])
    assert (colours.foreground > 0.99).all()
    assert colours.rgb.std() > 10


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 30), (16, 16), (40, 3)])
def test_blank_pictures_and_any_grid_have_colours(palette: Palette, rows: int, columns: int) -> None:
    grid = PatchGrid(rows, columns, 16, Size(columns * 16, rows * 16))
    blank = Inside(
        "m", 1, "tokens", grid, np.tile(GROUND, (rows, columns, 1)), np.zeros((2, rows, columns), np.float32)
    )
    for each in (palette, fit_palette([blank])):
        painted = each.paint(blank)
        assert painted.rgb.shape == (rows, columns, 3)
        assert np.isfinite(painted.foreground).all()
