"""The lab: distance and rank of edited pictures, curves, and the strength at which the original is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.library.conftest import DIMENSION, MODEL, content, file, vector
from tests.operations.conftest import Colours

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray, Pixels, Vectors, normalise
from dinoscope.library.library import Library
from dinoscope.operations.edit_kinds import KINDS, Edit
from dinoscope.operations.robustness import FINE, Curve, Lab, Limit, Seeking, Trial
from dinoscope.operations.surroundings import DEEP, Gathered, Shelved


class Lightness(Colours):
    """Sees only how bright a picture is: an angle between black and white."""

    def describe(self, pictures: Sequence[Pixels]) -> FloatArray:
        self.see(pictures)
        angles = np.array([picture.mean() / 255 * np.pi / 2 for picture in pictures])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def greys(*levels: float) -> Vectors:
    """What Lightness makes of plain pictures."""
    angles = np.array(levels) / 255 * np.pi / 2
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def plain(level: int) -> Pixels:
    return np.full((40, 60, 3), level, np.uint8)


def lab(level: int = 100, *others: float) -> Lab:
    """A plain picture among other plain ones."""
    made = Lab.of(Lightness(), plain(level))
    return replace(made, surroundings=Gathered.of(greys(level, *others), 0))


def last(made: Lab, kind: str) -> Curve:
    return list(made.curve(kind))[-1]


def test_unedited_it_is_the_first() -> None:
    trial = lab(100, 60, 200).trial(())
    assert trial.cosine == pytest.approx(1)
    assert (trial.rank, trial.among, trial.lost()) == (1, 3, False)
    assert trial.sentence == (
        "the original is still the first of 3; to the model it is one and the same picture"
    )


def test_the_rank_counts_those_that_are_nearer() -> None:
    among = lab(100, 60, 50, 20, 200)
    darker = among.trial(
        [Edit("brightness", float(np.log10(0.45)))]
    )  # 100 -> 45: 50 and 60 and 20 are nearer
    assert darker.rank == 4
    assert darker.lost()
    assert darker.sentence.startswith("the original comes 4th of 5; ")
    assert darker.cosine == pytest.approx(float(greys(100)[0] @ greys(45)[0]), abs=1e-3)


def test_without_others_there_is_only_a_cosine() -> None:
    trial = Lab.of(Lightness(), plain(100)).trial([Edit("brightness", -0.3)])
    assert (trial.rank, trial.percentile, trial.chance, trial.among) == (None, None, None, 0)
    assert trial.sentence == f"cosine {trial.cosine:.3f}"
    assert not trial.lost()
    assert not trial.lost("chance")


def test_copies_of_the_original_do_not_count_against_it() -> None:
    trial = lab(100, 100, 99.9).trial([Edit("brightness", -0.001)])
    assert trial.rank == 1


def test_a_limit_lies_where_the_original_is_overtaken() -> None:
    """Between 100 and 50 it is as near to either at 75: brightness times 0.75."""
    curve = last(lab(100, 50), "brightness")
    darker, brighter = curve.limits
    assert darker.strength is not None
    assert 10**darker.strength == pytest.approx(0.75, abs=0.04)
    assert darker.sentence == f"lost beyond brightness {Edit('brightness', darker.strength).amount}"
    assert brighter == Limit("brightness", 1.0, "first", None)
    assert brighter.sentence == "found however much it is brighter"
    assert list(curve.strengths) == sorted(curve.strengths)
    lost = [s for s, trial in zip(curve.strengths, curve.trials, strict=True) if trial.lost()]
    assert max(lost) == darker.strength
    assert min(s for s in curve.strengths if s > darker.strength) - darker.strength <= FINE


def test_a_curve_grows_and_others_are_held() -> None:
    grown = list(lab(100, 50).curve("brightness", [Edit("blur", 0.2), Edit("brightness", 1.0)]))
    counts = [len(curve.trials) for curve in grown]
    assert counts == sorted(counts)
    assert not grown[0].limits
    for strength, trial in zip(grown[-1].strengths, grown[-1].trials, strict=True):
        kinds = {edit.kind: edit.strength for edit in trial.edits}
        assert kinds["blur"] == 0.2
        assert kinds.get("brightness", 0.0) == strength


def test_a_switch_is_on_or_off() -> None:
    curve = last(lab(100, 50), "mirror")
    assert curve.strengths == (0.0, 1.0)
    assert curve.limits[0].sentence == "found even when it is mirrored"


def test_what_is_lost_already_is_said_to_be() -> None:
    among = lab(100, 50)
    curve = list(among.curve("blur", [Edit("brightness", -0.5)]))[-1]
    assert curve.limits[0].strength == 0
    assert curve.limits[0].sentence == "lost already without it"


def test_the_weakest_edit_is_found_with_fewer_looks() -> None:
    among = lab(100, 50, 150)
    backbone = among.backbone
    assert isinstance(backbone, Lightness)
    before = backbone.described
    steps = list(among.weakest())
    looks = backbone.described - before
    found = steps[-1]
    assert found.finished
    assert found.done == looks
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    limits = [limit for kind in KINDS for limit in last(among, kind).limits]
    weakest = min(limits, key=lambda limit: limit.weakness)
    assert weakest.strength is not None
    assert found.weakest == weakest
    assert looks < (backbone.described - before - looks) / 2


def test_when_nothing_loses_it_that_is_said() -> None:
    found = list(lab(100).weakest(["blur", "mirror"]))[-1]
    assert found == Seeking(1 + 5 + 1, 1.0, True, None)


def test_until_chance_is_another_question(rng: np.random.Generator) -> None:
    """Among many unrelated ones the original may still be the first, and yet no nearer than they might be."""
    crowd = normalise(rng.standard_normal((300, 48)).astype(np.float32))
    made = Lab.of(Colours(), rng.integers(0, 256, (64, 64, 3), np.uint8))
    made = replace(made, surroundings=Gathered.of(np.concatenate([made.original[None], crowd]), 0))
    near, far = made.trial([Edit("blur", 0.1)]), made.trial([Edit("brightness", -1.0)])
    assert near.chance is not None
    assert near.chance < 0.01
    assert far.lost("chance")
    assert "no closer than unrelated pictures" in far.sentence


def test_far_down_only_so_many_are_counted() -> None:
    among = lab(200, *np.linspace(1, 120, DEEP + 50))
    trial = among.trial([Edit("brightness", -1.0)])
    assert trial.beyond
    assert trial.sentence.startswith(f"lost: more than {DEEP} of {DEEP + 51} are more like it")


@pytest.mark.parametrize(
    ("rank", "said"), [(2, "2nd"), (3, "3rd"), (11, "11th"), (22, "22nd"), (112, "112th")]
)
def test_ranks_are_spoken(rank: int, said: str) -> None:
    assert f"comes {said} of 300" in Trial((), 0.5, None, rank, 300, None).sentence


def test_unknown_edits_are_told() -> None:
    with pytest.raises(BadRequest, match="'x' is no edit"):
        list(lab().curve("x"))
    with pytest.raises(BadRequest, match="'x' is no edit"):
        list(lab().weakest(["blur", "x"]))


def test_however_many_files_show_the_picture_none_of_them_is_another(tmp_path: Path) -> None:
    with Library.open(tmp_path / "library", write=True) as library:
        original = vector(0)
        vectors = {content(number): original if number < 30 else vector(number) for number in range(40)}
        library.commit(MODEL, DIMENSION, [file(number) for number in range(40)], vectors)
        among = Shelved.of(library, MODEL.key, original)
        assert len(among.selves) == 30
        assert among.nearer(original[None, :], np.array([0.9], np.float32)) == [0]
