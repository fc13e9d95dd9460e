"""Matching on planted patches: what belongs together is known, because it was put there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dinoscope.errors import BadRequest
from dinoscope.features import Features, FloatArray, normalise
from dinoscope.geometry import PatchGrid, Size
from dinoscope.operations import smoothing
from dinoscope.operations.matching import Matches, match

D = 32
KEY = "planted@0/fit256-bicubic/fp32"


def seen(patches: FloatArray, size: Size | None = None, attention: FloatArray | None = None) -> Features:
    """Features of a picture whose patches are 10 pixels a side, unless ``size`` says otherwise."""
    rows, columns = patches.shape[:2]
    grid = PatchGrid(rows, columns, 14, size or Size(columns * 10, rows * 10))
    heads = np.ones((1, rows, columns), np.float32) if attention is None else attention
    vectors = normalise(np.asarray(patches, np.float32))
    return Features(KEY, grid, normalise(vectors.mean(axis=(0, 1))), vectors, heads)


def noise(rng: np.random.Generator, rows: int = 12, columns: int = 16) -> FloatArray:
    return np.asarray(rng.normal(size=(rows, columns, D)), np.float32)


def alike(rng: np.random.Generator, patches: FloatArray, share: float = 0.5) -> FloatArray:
    """The same things in other light: each patch is ``share`` noise."""
    other = noise(rng, *patches.shape[:2])
    return np.asarray((1 - share) * patches + share * other, np.float32)


def moved(rng: np.random.Generator, patches: FloatArray, down: int, across: int) -> FloatArray:
    """The things moved, new ones where they were."""
    rows, columns = patches.shape[:2]
    there = noise(rng, rows, columns)
    there[max(0, down) : rows + min(0, down), max(0, across) : columns + min(0, across)] = patches[
        max(0, -down) : rows - max(0, down), max(0, -across) : columns - max(0, across)
    ]
    return there


def errors(matches: Matches, down: float, across: float) -> FloatArray:
    """(links,) pixels by which each link misses a displacement in patches of 10 pixels."""
    ends = np.asarray([link.there for link in matches.links])
    starts = np.asarray([link.here for link in matches.links])
    return np.asarray(np.hypot(*(ends - starts - (across * 10, down * 10)).T), np.float32)


def test_things_that_moved_are_found_where_they_are(rng: np.random.Generator) -> None:
    here = noise(rng)
    matches = match(seen(here), seen(alike(rng, moved(rng, here, 2, -3))))
    assert len(matches.links) >= 12
    assert np.median(errors(matches, 2, -3)) < 3
    assert not matches.mirrored
    assert not matches.orientation.ambiguous
    assert matches.note is None


def test_coordinates_are_those_of_each_original(rng: np.random.Generator) -> None:
    here = noise(rng)
    matches = match(seen(here, Size(1600, 600)), seen(here, Size(320, 2400)))
    for link in matches.links:
        assert link.there[0] == pytest.approx(link.here[0] / 5, abs=1)
        assert link.there[1] == pytest.approx(link.here[1] * 4, abs=8)
    assert matches.places.shape == (12, 16, 2)
    assert matches.places[2, 3] == pytest.approx((3.5 * 20, 2.5 * 200), abs=8)


def test_a_mirrored_thing_is_told_and_matched(rng: np.random.Generator) -> None:
    here = noise(rng)
    matches = match(seen(here), seen(alike(rng, here[:, ::-1])))
    assert matches.mirrored
    assert matches.orientation.mirrored_score > 2 * matches.orientation.straight_score
    for link in matches.links:
        assert link.there[0] == pytest.approx(160 - link.here[0], abs=5)
    assert not match(seen(here), seen(here[:, ::-1]), mirrored=False).mirrored


def test_a_thing_that_is_its_own_mirror_image_is_ambiguous(rng: np.random.Generator) -> None:
    half = noise(rng, 12, 8)
    here = np.concatenate([half, half[:, ::-1]], axis=1)
    found = match(seen(here), seen(alike(rng, here, 0.3))).orientation
    assert found.ambiguous
    assert "either" in found.sentence


def test_links_are_spread_over_the_thing(rng: np.random.Generator) -> None:
    """One spot is clearer than all others; the links do not pile up there."""
    here = noise(rng)
    there = alike(rng, here, 0.4)
    there[4:7, 4:7] = here[4:7, 4:7]
    starts = np.asarray([link.here for link in match(seen(here), seen(there), links=16).links])
    inside = ((starts > 40) & (starts < 70)).all(axis=1)
    assert len(starts) == 16
    assert inside.sum() <= 4
    assert {(x > 80, y > 60) for x, y in starts} == {(a, b) for a in (True, False) for b in (True, False)}


def test_links_lie_on_what_stands_out(rng: np.random.Generator) -> None:
    """The ground is one thing to the border; what is in the middle is not."""
    ground = noise(rng, 1, 1)
    here, there = ground + 0.3 * noise(rng), ground + 0.3 * noise(rng)
    thing = noise(rng, 6, 8)
    here[3:9, 4:12], there[4:10, 6:14] = thing, alike(rng, thing, 0.3)
    matches = match(seen(here), seen(there), links=10)
    assert len(matches.links) == 10
    assert (
        np.mean([40 <= x <= 120 and 30 <= y <= 90 for x, y in (link.here for link in matches.links)]) >= 0.8
    )
    assert np.median(errors(matches, 1, 2)) < 3


def test_the_thing_that_is_looked_at_decides_the_displacement(rng: np.random.Generator) -> None:
    """A copy of half the picture moves one way, the rest another; the votes follow the attention."""
    here = noise(rng)
    there = np.concatenate([moved(rng, here, 2, 0)[:, :8], moved(rng, here, -2, 0)[:, 8:]], axis=1)
    twice = np.concatenate([there[:6], there[6:]])
    for side in (slice(0, 8), slice(8, 16)):
        attention = np.full((3, 12, 16), 0.001, np.float32)
        attention[:, :, side] = 0.02
        evidence = match(seen(here, attention=attention), seen(twice)).evidence
        bonus = evidence.total - evidence.cosines
        down = 2 if side.start == 0 else -2
        assert bonus[6, 4, 6 + down, 4] > bonus[6, 4, 6 - down, 4]


@pytest.mark.parametrize(
    "attention", [np.zeros((0, 12, 16)), np.zeros((6, 12, 16)), np.full((1, 12, 16), np.nan)]
)
def test_a_model_without_attention_matches_all_the_same(
    rng: np.random.Generator, attention: FloatArray
) -> None:
    here = noise(rng)
    matches = match(seen(here, attention=np.asarray(attention, np.float32)), seen(moved(rng, here, 1, 1)))
    assert np.median(errors(matches, 1, 1)) < 3


def test_one_picture_twice_lies_where_it_was(rng: np.random.Generator) -> None:
    here = seen(noise(rng))
    matches = match(here, here)
    assert matches.note is not None
    assert "same picture" in matches.note
    assert errors(matches, 0, 0).max() < 0.5
    assert min(link.confidence for link in matches.links) > 0.7


def test_a_blank_picture_has_no_links_but_a_sentence(rng: np.random.Generator) -> None:
    blank = np.ones((12, 16, D), np.float32)
    for pair in (
        (seen(noise(rng)), seen(blank)),
        (seen(blank), seen(noise(rng))),
        (seen(blank), seen(blank)),
    ):
        matches = match(*pair)
        assert matches.links == ()
        assert matches.note is not None
        assert "blank" in matches.note
        assert np.isfinite(matches.places).all()
        assert np.isfinite(matches.confidence).all()


def test_unrelated_pictures_have_no_links_and_a_sentence_says_so(rng: np.random.Generator) -> None:
    matches = match(seen(noise(rng)), seen(noise(rng)))
    assert len(matches.links) <= 2
    if not matches.links:
        assert matches.note is not None
        assert "nothing" in matches.note


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (200, 1), (2, 3)])
def test_any_shape_of_picture_matches(rng: np.random.Generator, shape: tuple[int, int]) -> None:
    other = seen(noise(rng))
    here = seen(noise(rng, *shape))
    for matches in (match(here, other), match(other, here), match(here, here)):
        assert np.isfinite(matches.places).all()
        assert (matches.places >= 0).all()
        size = matches.there.picture
        assert (matches.places <= (size.width, size.height)).all()


def test_a_point_is_found_and_its_heat_is_there(rng: np.random.Generator) -> None:
    here = noise(rng)
    matches = match(seen(here), seen(alike(rng, moved(rng, here, 2, -3), 0.3)))
    best = matches.find((85, 45), k=3)
    assert len(best) == 3
    assert best[0].there == pytest.approx((55, 65), abs=5)
    assert best[0].confidence >= best[1].confidence >= best[2].confidence
    heat = matches.heat((85, 45))
    assert heat.shape == (12, 16)
    assert heat[6, 5] == heat.max()
    assert heat.max() == 1


def test_the_pair_turned_round_answers_the_other_way(rng: np.random.Generator) -> None:
    here = noise(rng)
    matches = match(seen(here), seen(alike(rng, moved(rng, here, 2, -3), 0.3)))
    assert matches.turned.find((55, 65))[0].there == pytest.approx((85, 45), abs=5)
    assert {(link.there, link.here) for link in matches.links} == {
        (link.here, link.there) for link in matches.turned.links
    }


@pytest.mark.parametrize("point", [(-1, 5), (5, 121), (float("nan"), 5), (float("inf"), 5)])
def test_a_point_beside_the_picture_is_refused(rng: np.random.Generator, point: tuple[float, float]) -> None:
    matches = match(seen(noise(rng)), seen(noise(rng)))
    with pytest.raises(BadRequest, match="160 x 120"):
        matches.find(point)


def test_pictures_of_two_models_are_refused(rng: np.random.Generator) -> None:
    here = seen(noise(rng))
    with pytest.raises(BadRequest, match="one model"):
        match(here, replace(here, model="other@0/fit256-bicubic/fp32"))
    match(here, replace(here, model="planted@0/fit576-bicubic/fp32"))  # closer, but the same model


def test_a_thing_that_is_turned_and_smaller_is_matched(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """35 degrees, at seven tenths of the size: no one displacement is right, but a smooth map is."""
    here, there = noise(rng, 20, 20), noise(rng, 20, 20)
    angle = np.radians(35)
    turn = 0.7 * np.asarray([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middles = np.stack(np.meshgrid(np.arange(20), np.arange(20)), axis=-1) - 9.5
    sources = np.rint(middles @ np.linalg.inv(turn).T + 9.5).astype(int)
    shown = ((sources >= 0) & (sources < 20)).all(axis=2)
    there[shown] = here[sources[shown][:, 1], sources[shown][:, 0]]
    pair = seen(here), seen(alike(rng, there, 0.6))

    def right() -> float:
        places = match(*pair).places / 10 - 10
        starts = sources[shown]
        missed = places[starts[:, 1], starts[:, 0]] - (starts - 9.5) @ turn.T
        return float((np.hypot(*missed.T) < 1.5).mean())

    with_map = right()
    monkeypatch.setattr(smoothing, "SPREADS", ())
    assert with_map > 0.9
    assert right() < with_map - 0.15


def test_the_evidence_is_the_same_whichever_picture_is_first(rng: np.random.Generator) -> None:
    here = noise(rng)
    there = alike(rng, moved(rng, here, 1, 2), 0.6)
    forth, back = match(seen(here), seen(there)).evidence, match(seen(there), seen(here)).evidence
    assert back.turned().cosines == pytest.approx(forth.cosines, abs=1e-5)
    assert np.abs(back.turned().total - forth.total).max() < 0.01


def test_the_votes_for_a_mirror_image_must_agree_clearly_more(rng: np.random.Generator) -> None:
    """As much agrees on one as on the other: a photo is seldom mirrored."""
    half = noise(rng, 12, 8)
    here = np.concatenate([half, half[:, ::-1]], axis=1)
    found = match(seen(here), seen(here)).orientation
    assert not found.mirrored
    assert found.ambiguous
