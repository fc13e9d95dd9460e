"""Every planted contradiction is found and named with its cure; a sound library has none."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.library.conftest import DIMENSION, MODEL, file, plant

from dinoscope.library import optimising
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library

COUNT = 200


def statement(text: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        db = sqlite3.connect(folder / "library.sqlite")
        with db:
            db.execute(text)
        db.close()

    return act


def cut(folder: Path) -> None:
    vectors = folder / "shelves/1/vectors-1.f16"
    vectors.write_bytes(vectors.read_bytes()[:-1])


def spoil(folder: Path) -> None:
    rows = np.memmap(folder / "shelves/1/vectors-1.f16", np.float16, "r+", shape=(COUNT, DIMENSION))
    rows[5] = np.nan
    rows[9] *= 2
    rows.flush()


def swap(folder: Path) -> None:
    """Vectors in another order than the engine knows them."""
    rows = np.memmap(folder / "shelves/1/vectors-1.f16", np.float16, "r+", shape=(COUNT, DIMENSION))
    rows[:] = rows[::-1].copy()
    rows.flush()


def scramble(folder: Path) -> None:
    path = folder / "library.sqlite"
    data = bytearray(path.read_bytes())
    data[8192:12288] = b"\xa5" * 4096
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (cut, "shorter than the 200 vectors"),
        (spoil, "2 vectors of .* are not of length 1"),
        (scramble, "damaged|cannot be read"),
        (lambda folder: (folder / "shelves/1/vectors-1.f16").unlink(), "cannot be read"),
        (
            lambda folder: next(folder.glob("shelves/1/engine-1/*.f*")).unlink(),
            "engine .* cannot be loaded",
        ),
        (statement("DELETE FROM vectors WHERE row = 7"), "counts 200 vectors but has rows for 199"),
        (statement("UPDATE vectors SET row = 400 WHERE row = 7"), "counts 200 vectors but has rows for 200"),
        (statement("UPDATE contents SET files = 3 WHERE id = 2"), "1 contents count their files wrongly"),
        (statement("UPDATE vectors SET content = 999 WHERE row = 7"), "refer to something that is not there"),
        (statement("UPDATE vectors SET content = 999 WHERE row = 7"), "1 pictures have no vector"),
        (statement("UPDATE shelves SET covered = 150"), "holds 200 vectors, not 150"),
    ],
)
def test_a_contradiction_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], what: str
) -> None:
    import re

    monkeypatch.setattr(optimising, "EXACT_UP_TO", 100)
    with Library.open(folder, write=True) as library:
        plant(library, [file(number) for number in range(COUNT)])
        library.optimise()
        assert list(library.verify()) == []
    damage(folder)
    with Library.open(folder) as library:
        findings = list(library.verify())
    assert [finding for finding in findings if re.search(what, finding.what)], findings
    assert all(finding.mend for finding in findings)


def test_an_engine_that_answers_wrongly_is_found(folder: Path) -> None:
    """Beyond what is gathered and compared exactly, so that the index itself answers."""
    from dinoscope.features import normalise
    from dinoscope.library.verifying import engine_problem

    random = np.random.default_rng(0)
    vectors = normalise(random.normal(size=(12_000, DIMENSION)).astype(np.float32))
    files = [file(number) for number in range(len(vectors))]
    with Library.open(folder, write=True) as library:
        library.commit(
            MODEL, DIMENSION, files, dict(zip((one.content for one in files), vectors, strict=True))
        )
        library.optimise(engine="ivf_rabitq")
        assert list(library.verify()) == []
    rows = np.memmap(folder / "shelves/1/vectors-1.f16", np.float16, "r+", shape=vectors.shape)
    rows[:] = rows[::-1].copy()
    rows.flush()
    with Library.open(folder) as library:
        (finding,) = library.verify()
        assert "finds only" in finding.what
        assert "compact" in finding.mend
    assert engine_problem is not None


def test_a_sample_of_the_vectors_can_be_enough(library: Library) -> None:
    plant(library, [file(number) for number in range(COUNT)])
    assert list(library.verify(every_vector=False)) == []
    spoil(library.folder)
    assert len(list(library.verify(every_vector=False))) == 1


def test_removed_pictures_and_dropped_models_are_no_contradiction(library: Library) -> None:
    plant(library, [file(number) for number in range(COUNT)])
    library.remove(parse_filter("bytes<1100"))
    assert list(library.verify()) == []
    library.drop_model(MODEL.key)
    assert list(library.verify()) == []
