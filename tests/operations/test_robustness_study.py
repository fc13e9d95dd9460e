"""A folder's study: the same edits for each model, one answer for one seed, a report that reads well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.operations.conftest import Colours

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray, Pixels, normalise
from dinoscope.operations.robustness import Limit
from dinoscope.operations.robustness_report import cell, limits_report, study_report, title_of
from dinoscope.operations.robustness_study import Row, Study, Task, study
from dinoscope.pictures.limits import Limits
from dinoscope.settings import Settings

LIMITS = Limits.of(Settings())


class Unturned(Colours):
    """Sees a picture and its mirror image as the same, and light not at all."""

    def describe(self, pictures: Sequence[Pixels]) -> FloatArray:
        self.see(pictures)
        made = []
        for pixels in pictures:
            both = [self._colours(side) for side in (pixels, np.ascontiguousarray(pixels[:, ::-1]))]
            made.append(normalise((both[0] + both[1]).reshape(4, 4, 3)[..., [0]].ravel()))
        return np.stack(made)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures, and two files that are none."""
    root = tmp_path_factory.mktemp("study") / "mine"
    (root / "deep").mkdir(parents=True)
    for seed in range(12):
        fields = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
        place = root / "deep" if seed % 2 else root
        Image.fromarray(fields).resize((64, 64), Image.Resampling.NEAREST).save(place / f"{seed}.png")
    (root / "notes.txt").write_text("no picture")
    (root / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing more")
    return root


def run(folder: Path, *models: Colours, **task: object) -> Study:
    asked = replace(Task(originals=6, kinds=("mirror", "blur", "rotation"), steps=2), **task)  # type: ignore[arg-type]
    *_, last = study(folder, models, LIMITS, asked)
    assert last.study is not None
    return last.study


def test_models_stand_side_by_side(folder: Path) -> None:
    found = run(folder, Colours(), Unturned("unturned"))
    assert (found.originals, found.among, found.refused) == (6, 12, 2)
    assert [(row.kind, row.direction) for row in found.rows] == [
        ("mirror", 1.0), ("blur", 1.0), ("rotation", -1.0), ("rotation", 1.0),
    ]  # fmt: skip
    rows = {(row.kind, row.direction): row for row in found.rows}
    mirror = rows["mirror", 1.0]
    assert mirror.held(0) < 0.5, "fields exchanged are other fields"
    assert mirror.held(1) == 1
    assert rows["blur", 1.0].held(0) == 1
    assert rows["rotation", 1.0].strengths == (0.5, 1.0)
    (score,) = found.scores
    assert score.name == "colours and unturned"
    held = np.mean([row.held(0) for row in found.rows])
    assert found.models[0].held == pytest.approx(held)
    assert score.first == pytest.approx(held)
    assert found.sentences[0].startswith(f"colours finds {100 * held:.0f} % of the originals")
    assert len(found.sentences) == 3


def test_the_same_seed_gives_the_same_answer(folder: Path) -> None:
    one, again, other = (run(folder, Colours(), originals=3, seed=seed) for seed in (4, 4, 5))
    assert one.rows == again.rows
    assert one.rows != other.rows, "other pictures"


def test_the_report_reads_as_a_table(folder: Path) -> None:
    text = study_report(run(folder, Colours(), Unturned("unturned")))
    lines = text.splitlines()
    assert lines[0] == "# Robustness on mine"
    assert "6 pictures were edited and looked for among 12 of the folder, with seed 0." in lines
    assert "2 files could not be read." in lines
    (mirror,) = (line for line in lines if line.startswith("| Mirror |"))
    assert mirror.endswith("| 100 % █ |")
    tables = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in tables[-5:]} == {5}


def test_a_cell_tells_share_bars_and_where_half_are_lost() -> None:
    row = Row("brightness", -1.0, (-0.5, -1.0), ((1.0, 0.25), (1.0, 1.0)))
    assert cell(row, 0) == "62 % █▃ ×0.10"
    assert cell(row, 1) == "100 % ██"
    assert title_of(row) == "Brightness, darker"


def test_one_picture_has_a_report_too() -> None:
    limits = [Limit("blur", 1.0, "first", 0.5), Limit("mirror", 1.0, "first", None)]
    assert limits_report("a|b.png", limits, 150).splitlines() == [
        "# Robustness of a|b.png",
        "",
        "Looked for among 150 pictures.",
        "",
        "| edit | strength | the original is |",
        "| --- | --- | --- |",
        "| Blur | 0.50 | lost beyond blur 2.0 % of a side |",
        "| Mirror | - | found even when it is mirrored |",
    ]


def test_what_makes_no_sense_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="is no folder: name one"):
        list(study(tmp_path / "none", [Colours()], LIMITS))
    with pytest.raises(BadRequest, match="holds 0 pictures that can be read"):
        list(study(tmp_path, [Colours()], LIMITS))
    with pytest.raises(BadRequest, match="cannot be compared with itself"):
        list(study(folder, [Colours(), Colours()], LIMITS))
    with pytest.raises(BadRequest, match="'x' is no edit"):
        list(study(folder, [Colours()], LIMITS, Task(kinds=("x",))))


def test_it_stops_when_told_to(folder: Path) -> None:
    seen = list(study(folder, [Colours()], LIMITS, cancelled=lambda: True))
    assert not seen
