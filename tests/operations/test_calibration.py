"""Percentiles and verdicts, on vectors whose statistics are known."""

from __future__ import annotations

import numpy as np
import pytest

from dinoscope.features import Vectors, normalise
from dinoscope.operations.calibration import Calibration, calibration_of, odds, verdict

EVEN = 0.5  # a level at which a well-calibrated chance is easy to tell from a shifted one


def unrelated(rng: np.random.Generator, count: int, dimension: int = 64) -> Vectors:
    return normalise(rng.standard_normal((count, dimension)).astype(np.float32))


def related(rng: np.random.Generator, to: Vectors, nearness: float) -> Vectors:
    noise = unrelated(rng, 1, to.shape[-1])[0]
    return normalise(np.asarray(nearness * to + (1 - nearness) * noise, np.float32))


def judged(library: Vectors, query: Vectors, calibration: Calibration | None) -> float:
    scores = sorted((library @ query).tolist(), reverse=True)
    return verdict(scores[:5], query, library[:1000], calibration, len(library)).chance


def test_percentiles_are_shares_of_random_pairs(rng: np.random.Generator) -> None:
    vectors = unrelated(rng, 400)
    calibration = Calibration.of(vectors, 400)
    pairs = (vectors @ vectors.T)[np.triu_indices(400, 1)]
    for score in (-0.2, 0.0, 0.1, 0.3):
        assert calibration.percentile(score) == pytest.approx(100 * float((pairs < score).mean()), abs=0.3)
    surest = 100 / len(pairs)  # no more than one pair can be told
    assert calibration.percentile(-1.0) == pytest.approx(surest)
    assert 100 - calibration.percentile(1.0) == pytest.approx(surest, rel=0.01)


def test_unrelated_queries_are_seldom_called_found(rng: np.random.Generator) -> None:
    library = unrelated(rng, 1500)
    calibration = calibration_of(library[:1000], 1500)
    chances = np.array([judged(library, query, calibration) for query in unrelated(rng, 300)])
    # Random directions have a thinner tail than the exponential fitted: the odds err on the side of doubt.
    for level in (0.05, 0.2, EVEN):
        assert (chances < level).mean() <= level


def test_related_queries_are_found(rng: np.random.Generator) -> None:
    library = unrelated(rng, 1500)
    calibration = calibration_of(library[:1000], 1500)
    chances = [judged(library, related(rng, library[i], 0.7), calibration) for i in range(100)]
    assert float(np.median(chances)) < 0.01
    assert np.mean(np.array(chances) < EVEN) > 0.95


def test_relatives_inside_the_library_do_not_blunt_the_verdict(rng: np.random.Generator) -> None:
    """A library of bursts: each picture has four near-copies, so high pair scores are no chance."""
    scenes = unrelated(rng, 300)
    library = np.concatenate([np.stack([related(rng, scene, 0.8) for _ in range(5)]) for scene in scenes])
    order = rng.permutation(len(library))
    calibration = calibration_of(library[order][:1000], len(library))
    chances = [judged(library, related(rng, scene, 0.8), calibration) for scene in scenes[:60]]
    assert np.mean(np.array(chances) < EVEN) > 0.9
    strangers = [judged(library, query, calibration) for query in unrelated(rng, 100)]
    assert np.mean(np.array(strangers) < EVEN) < 0.3


def test_more_pictures_make_chance_likelier(rng: np.random.Generator) -> None:
    calibration = Calibration.of(unrelated(rng, 500), 500)
    chances = [calibration.chance(4.0, among) for among in (10, 1000, 100_000)]
    assert chances == sorted(chances)
    assert 0 < chances[0] < chances[2] <= 1


def test_the_verdict_says_what_it_found(rng: np.random.Generator) -> None:
    library = unrelated(rng, 500)
    calibration = calibration_of(library, 500)
    close = verdict([0.9], unrelated(rng, 1)[0], library, calibration, 500)
    assert close.found
    assert "clear match" in close.sentence
    far = verdict([0.2], unrelated(rng, 1)[0], library, calibration, 500)
    assert not far.found
    assert "Nothing like this" in far.sentence


def test_the_very_picture_is_found_and_the_others_are_still_judged(rng: np.random.Generator) -> None:
    library = unrelated(rng, 500)
    calibration = calibration_of(library, 500)
    alone = verdict([1.0, 0.2], library[0], library, calibration, 500)
    assert (alone.found, alone.chance) == (True, 0.0)
    assert "nothing else" in alone.sentence
    company = verdict([1.0, 0.9], library[0], library, calibration, 500)
    assert "next is a clear match" in company.sentence


@pytest.mark.parametrize("count", [1, 2, 5, 29])
def test_a_small_library_is_said_to_be_too_small(rng: np.random.Generator, count: int) -> None:
    library = unrelated(rng, count)
    answer = verdict([0.4], unrelated(rng, 1)[0], library, calibration_of(library, count), count)
    assert answer.found
    assert answer.chance == 1.0
    assert f"{count} pictures are too few" in answer.sentence


def test_equal_pictures_everywhere_do_not_divide_by_zero() -> None:
    library = np.tile(normalise(np.ones((1, 8), np.float32)), (50, 1))
    calibration = calibration_of(library, 50)
    assert calibration is not None
    assert 0 <= calibration.chance(3.0, 50) <= 1
    assert np.isfinite(calibration.percentile(0.5))


def test_what_is_written_reads_back_the_same(rng: np.random.Generator) -> None:
    calibration = Calibration.of(unrelated(rng, 200), 200)
    again = Calibration.read(calibration.written(), 200)
    assert again is not None
    for score in (-0.3, 0.0, 0.25):
        assert again.percentile(score) == pytest.approx(calibration.percentile(score), abs=1e-3)
    assert again.chance(4.0, 100) == calibration.chance(4.0, 100)


@pytest.mark.parametrize(("contents", "holds"), [(200, True), (239, True), (241, False), (166, False)])
def test_it_holds_until_the_library_has_changed_by_a_fifth(
    rng: np.random.Generator, contents: int, holds: bool
) -> None:
    written = Calibration.of(unrelated(rng, 200), 200).written()
    assert (Calibration.read(written, contents) is not None) == holds


@pytest.mark.parametrize("kept", [None, {}, {"contents": [1.0]}, {"contents": 200.0, "scores": 1.0}])
def test_what_another_version_kept_is_measured_anew(kept: dict[str, float | list[float]] | None) -> None:
    assert Calibration.read(kept, 200) is None


def test_where_all_pictures_are_the_query_itself_chance_has_no_number() -> None:
    alike: Vectors = np.tile(np.eye(1, 8, dtype=np.float32), (60, 1))
    calibration = calibration_of(alike, 60)
    assert odds(0.5, alike[0], alike, calibration, 60) is None
    judged = verdict([0.5], alike[0], alike, calibration, 60)
    assert (judged.found, judged.chance) == (False, 1.0)
