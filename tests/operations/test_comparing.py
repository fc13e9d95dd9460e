"""Two models on one library: a good one, a poor one, and who says which."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.operations.conftest import Colours, paint

from dinoscope.errors import BadRequest, LibraryReadOnly, NoSuchModel, NoSuchPicture
from dinoscope.features import FloatArray, Pixels, normalise
from dinoscope.library.library import Library
from dinoscope.operations.comparing import compare, unseen
from dinoscope.operations.comparison import Comparison, Questions
from dinoscope.operations.comparison_report import report
from dinoscope.operations.edits import EDITS
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.neighbourhoods import NEAREST, compare_shelves, neighbours_of
from dinoscope.settings import Settings

FEW = Questions(originals=6, examples=3)


class Grey(Colours):
    """Sees how bright a picture is from place to place in a 2 x 2 grid, with much noise from its bytes."""

    def __init__(self) -> None:
        super().__init__("grey")

    @property
    def dimension(self) -> int:
        return 4

    def _colours(self, pixels: Pixels) -> FloatArray:
        small = Image.fromarray(pixels).convert("L").resize((2, 2), Image.Resampling.BOX)
        noise = np.random.default_rng(int(pixels.sum())).normal(0, 40, 4)
        return normalise((np.asarray(small, np.float32).reshape(-1) - 127 + noise).astype(np.float32))


@pytest.fixture
def families(tmp_path: Path) -> Path:
    """Five folders of eight pictures that are alike within a folder: one pattern, a little disturbed."""
    root = tmp_path / "families"
    for family in range(5):
        fields = np.random.default_rng(family).integers(0, 256, (4, 4, 3))
        for member in range(8):
            off = np.random.default_rng((family, member)).normal(0, 50, (4, 4, 3))
            pixels = np.clip(fields + off, 0, 255).astype(np.uint8)
            path = root / str(family) / f"{member}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).resize((96, 72), Image.Resampling.NEAREST).save(path)
    return root


@pytest.fixture
def indexed(library: Library, families: Path, settings: Settings) -> Library:
    """The families, seen by the good model only."""
    list(index_folders([families], library, Colours(), settings))
    return library


def outcome(library: Library, settings: Settings, questions: Questions = FEW) -> Comparison:
    last = list(compare(library, Colours(), Grey(), settings, questions))[-1]
    assert last.comparison is not None
    return last.comparison


def test_the_better_model_is_named_with_an_interval(indexed: Library, settings: Settings) -> None:
    found = outcome(indexed, settings)
    assert (found.first.name, found.second.name) == ("colours", "grey")
    assert found.pictures == found.queries == 40
    assert [score.better for score in found.scores] == ["first"] * 3
    for score in found.scores:
        assert score.first > score.second
        assert score.difference.low <= score.second - score.first <= score.difference.high < 0
    assert [score.name for score in found.edits] == list(EDITS)
    mirrored = next(score for score in found.edits if score.name == "mirrored")
    assert mirrored.questions == FEW.originals
    assert found.first.milliseconds > 0
    assert found.second.dimension == 4
    assert "colours is better at “nearest in the same folder”" in found.sentences[0]


def test_scores_are_those_of_a_judge_with_all_vectors_at_hand(indexed: Library, settings: Settings) -> None:
    found = outcome(indexed, settings)
    pictures = indexed.page(limit=100).pictures
    folders = np.array([one.path.parent.name for one in pictures])
    nearest = []
    for key, score in (("first", found.first.key), ("second", found.second.key)):
        shelf = indexed.shelf(score)
        vectors = np.stack([shelf.vector(one.content) for one in pictures])
        alike = vectors @ vectors.T
        np.fill_diagonal(alike, -2)
        order = np.argsort(-alike, axis=1)[:, :NEAREST]
        nearest.append([set(row) for row in order])
        right = folders[order] == folders[:, None]
        assert getattr(found.scores[0], key) == pytest.approx(right[:, 0].mean())
        assert getattr(found.scores[1], key) == pytest.approx(right.mean())
    shared = [len(here & there) / NEAREST for here, there in zip(*nearest, strict=True)]
    assert found.agreement is not None
    assert found.agreement.value == pytest.approx(np.mean(shared))


def test_a_second_time_only_the_questions_are_asked(indexed: Library, settings: Settings) -> None:
    assert unseen(indexed, Grey().identity.key)
    first = list(compare(indexed, Colours(), Grey(), settings, FEW))
    assert any(step.stage == "Indexing with grey" for step in first)
    assert not any(step.stage == "Indexing with colours" for step in first)
    with Library.open(settings.library) as reader:
        again = list(compare(reader, Colours(), Grey(), settings, FEW))
    assert not any(step.indexing for step in again)
    assert again[-1].comparison is not None
    assert first[-1].comparison is not None
    assert again[-1].comparison.scores == first[-1].comparison.scores, "equal questions, equal answers"


def test_examples_show_both_rows_and_what_they_share(indexed: Library, settings: Settings) -> None:
    found = outcome(indexed, settings)
    assert len(found.examples) == 3
    for example in found.examples:
        rows = example.first, example.second
        names = [{one.picture.id for one in row} for row in rows]
        for row in rows:
            assert len(row) == NEAREST
            assert [one.score for one in row] == sorted((one.score for one in row), reverse=True)
            assert example.query.id not in {one.picture.id for one in row}
            assert {one.picture.id for one in row if one.shared} == names[0] & names[1]
        again = neighbours_of(indexed, example.query, found.first.key, found.second.key)
        assert again == example


def test_the_report_holds_its_pictures_and_escapes_names(indexed: Library, settings: Settings) -> None:
    found = outcome(indexed, settings)
    text = report(found, indexed.thumbnail)
    assert text.count("data:image/webp;base64,UklGR") == 3 * (1 + 2 * NEAREST)
    assert "://" not in text, "it asks nobody for anything"
    assert report(found, lambda _: None).count("<img") == 3 * (1 + 2 * NEAREST)
    wild = found.examples[0].query.path.with_name("<b>&\udcff.png")
    from dataclasses import replace

    example = replace(found.examples[0], query=replace(found.examples[0].query, path=wild))
    text = report(replace(found, examples=(example,)), indexed.thumbnail)
    assert "&lt;b&gt;&amp;" in text
    text.encode("utf-8")


def test_without_folders_to_tell_apart_neighbours_are_compared_all_the_same(
    library: Library, settings: Settings, tmp_path: Path
) -> None:
    for seed in range(5):
        paint(tmp_path / "one" / f"{seed}.png", seed)
    list(index_folders([tmp_path / "one"], library, Colours(), settings))
    found = outcome(library, settings, Questions(originals=0))
    assert found.scores == found.edits == ()
    assert found.agreement is not None
    assert found.agreement.value == 1.0, "of four others all are among the ten nearest"
    assert found.first.milliseconds == 0
    assert found.sentences == ("of the 10 nearest they have 100 % in common",)


def test_a_picture_alone_in_its_folder_is_no_question(
    indexed: Library, settings: Settings, families: Path
) -> None:
    paint(families / "alone" / "only.png", 99)
    list(index_folders([families], indexed, Colours(), settings))
    found = outcome(indexed, settings)
    assert found.queries == 41
    assert found.scores[0].questions == 40


def test_pictures_that_are_gone_are_compared_but_not_edited(
    indexed: Library, settings: Settings, families: Path
) -> None:
    outcome(indexed, settings)
    shutil.rmtree(families)
    found = outcome(indexed, settings)
    assert found.queries == 40
    assert found.edits == ()


def test_what_cannot_be_compared_is_a_sentence(indexed: Library, settings: Settings, tmp_path: Path) -> None:
    mine, key = Colours(), Colours().identity.key
    with pytest.raises(BadRequest, match="itself"):
        next(compare(indexed, mine, mine, settings))
    with pytest.raises(BadRequest, match="itself"):
        compare_shelves(indexed, key, key)
    with pytest.raises(NoSuchModel, match="no vectors of other"):
        compare_shelves(indexed, key, "other")
    with Library.open(settings.library) as reader, pytest.raises(LibraryReadOnly):
        list(compare(reader, mine, Grey(), settings))
    with Library.open(tmp_path / "empty", write=True) as empty, pytest.raises(BadRequest, match="empty"):
        next(compare(empty, mine, Grey(), settings))


def test_a_picture_that_one_has_not_seen_is_left_out_and_named_when_asked_for(
    indexed: Library, settings: Settings, families: Path
) -> None:
    outcome(indexed, settings)
    paint(families / "0" / "new.png", 77)
    list(index_folders([families], indexed, Colours(), settings))
    keys = Colours().identity.key, Grey().identity.key
    assert compare_shelves(indexed, *keys).queries == 40
    fresh = indexed.find(families / "0" / "new.png")
    assert fresh is not None
    with pytest.raises(NoSuchPicture, match=r"grey.*new\.png"):
        neighbours_of(indexed, fresh, *keys)


def test_cancelling_ends_it_without_an_outcome(indexed: Library, settings: Settings) -> None:
    steps = list(compare(indexed, Colours(), Grey(), settings, FEW, cancelled=lambda: True))
    assert all(step.comparison is None for step in steps)
