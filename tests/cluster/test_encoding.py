"""Encoders and writers without Ray: what one batch leaves on the disks, also when it is done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.hues import Hues

from dinoscope.cluster.asking import LocalShards
from dinoscope.cluster.encoding import Encoding, Job
from dinoscope.cluster.manifest import Manifest, claimed, kept_basis
from dinoscope.cluster.sharded_library import ShardedLibrary
from dinoscope.cluster.writing import ShardWriter
from dinoscope.errors import DinoscopeError, DiskFull, LibraryBusy, LibraryDamaged
from dinoscope.features import Basis
from dinoscope.library.library import Library
from dinoscope.operations.bases import basis_of_model
from dinoscope.operations.session import Session
from dinoscope.settings import Settings

from .conftest import PICTURES, SHARDS, paint
from .test_knowing import files
from .test_sharded_library import scored

FACES = Path(__file__).parent.parent / "faces"


class LocalWriters:
    """The shards' writers in this process."""

    def __init__(self, root: Path, manifest: Manifest) -> None:
        self.writers = [
            ShardWriter(root, manifest, number, Hues.identity) for number in range(manifest.shards)
        ]

    @property
    def count(self) -> int:
        return len(self.writers)

    def begin(self, shard: int, verb: str, *arguments: Any) -> Callable[[], Any]:
        answer = self.writers[shard].answer(verb, *arguments)

        def waited() -> Any:
            if isinstance(answer, DinoscopeError):
                raise answer
            return answer

        return waited

    def close(self) -> None:
        for writer in self.writers:
            writer.close()


@pytest.fixture
def manifest(settings: Settings) -> Manifest:
    return claimed(
        settings.library, shards=SHARDS, model=Hues.identity.key, name="hues", dimension=Hues.dimension
    )


@pytest.fixture
def writers(settings: Settings, manifest: Manifest) -> Iterator[LocalWriters]:
    made = LocalWriters(settings.library, manifest)
    assert all(writer.answer("ready") for writer in made.writers)
    yield made
    made.close()


@pytest.fixture
def basis(settings: Settings) -> Basis:
    return basis_of_model(Hues(), settings)


@pytest.fixture
def encoding(settings: Settings, writers: LocalWriters, basis: Basis) -> Iterator[Encoding]:
    with Encoding(Hues(), writers, Job(settings, basis, fine=False)) as made:
        yield made


def read(settings: Settings) -> Session:
    manifest = Manifest.read(settings.library)
    library = ShardedLibrary(settings.library, manifest, LocalShards(settings.library, manifest))
    return Session(library, settings, Hues())


def test_a_batch_is_there_once_also_when_it_is_done_twice(
    one: Session, encoding: Encoding, writers: LocalWriters, settings: Settings, painted: Path
) -> None:
    every = files(painted)
    first, again = (encoding.run(every, {}) for _ in range(2))
    assert (first.added, first.known, first.completed, first.refusals) == (PICTURES, PICTURES // 10, 0, [])
    assert (again.added, again.known) == (0, len(every))
    writers.close()
    with read(settings) as many:
        assert scored(many.search(painted / "a/001.png", k=100)) == scored(
            one.search(painted / "a/001.png", k=100)
        )
        assert many.library.info().shelves[0].regions == PICTURES
        content = many.library.page(limit=1).pictures[0].content
        assert many.library.thumbnail(content) == one.library.thumbnail(content)


def test_regions_that_are_missing_are_added_and_vectors_stay(
    settings: Settings, writers: LocalWriters, basis: Basis, painted: Path
) -> None:
    some = files(painted)[:9]
    with Encoding(Hues(), writers, Job(settings, None, fine=False)) as plain:
        assert plain.run(some, {}).added == 9
    with Encoding(Hues(), writers, Job(settings, basis, fine=False)) as whole:
        tally = whole.run(some, {})
    assert (tally.added, tally.completed, tally.known) == (0, 9, 9)


def test_what_is_no_picture_is_refused_once_and_its_shard_remembers(
    encoding: Encoding, writers: LocalWriters, settings: Settings, tmp_path: Path
) -> None:
    folder = paint(tmp_path / "pictures", 2)
    (folder / "a/zzz.png").write_bytes(b"no picture at all")
    tally = encoding.run(files(folder), {})
    assert (tally.added, len(tally.refusals)) == (2, 1)
    assert "zzz.png is not a picture" in tally.refusals[0].sentence
    writers.close()
    with read(settings) as many:
        assert [one.path.name for one in many.library.refusals()] == ["zzz.png"]


def test_a_person_is_kept_out_of_shards_and_leaves_nothing_there(
    writers: LocalWriters, basis: Basis, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("astronaut", "chelsea"):
        with Image.open(FACES / f"{name}.jpg") as image:
            image.save(folder / f"{name}.png")
    kept_out = replace(settings, faces="block")
    with Encoding(Hues(), writers, Job(kept_out, basis, fine=False)) as gated:
        tally = gated.run(files(folder), {})
    assert tally.added == 1
    assert [one.path.name for one in tally.refusals] == ["astronaut.png"]
    assert "looks like a human face" in tally.refusals[0].sentence
    writers.close()
    with read(settings) as many:
        assert [one.path.name for one in many.library.page().pictures] == ["chelsea.png"]
        assert len(list(settings.library.rglob("*.webp"))) == 1, "one thumbnail, of the cat"


def test_a_file_that_now_belongs_to_another_shard_is_dropped_from_the_first(
    encoding: Encoding, writers: LocalWriters, settings: Settings, tmp_path: Path
) -> None:
    folder = paint(tmp_path / "pictures", 1)
    (found, _) = files(folder)
    encoding.run([found], {})
    for seed in range(100, 108):  # of eight others some belong elsewhere
        paint(tmp_path / "more", 1, first=seed)
        path = next(path for path in (tmp_path / "more").rglob(f"{seed}.png") if "copy" not in path.name)
        found.path.write_bytes(path.read_bytes())
        encoding.run([found], {found.path: tuple(range(SHARDS))})
    writers.close()
    with read(settings) as many:
        assert many.library.count() == 1
        known = many.library.find(found.path)
        assert known is not None
        assert known.bytes == found.path.stat().st_size


def test_a_shards_refusal_ends_the_batch_with_its_sentence_and_the_next_one_starts_anew(
    encoding: Encoding, writers: LocalWriters, painted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise DiskFull("no space is left: make room")

    some = files(painted)[:6]
    with monkeypatch.context() as patched:
        patched.setattr(Library, "commit", full)
        with pytest.raises(DiskFull, match="make room"):
            encoding.run(some, {})
    assert encoding.run(some, {}).added == 6


def test_a_writer_says_what_is_wrong_with_its_shard(
    settings: Settings, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dinoscope.cluster.writing.PATIENCE", 0.0)
    busy = ShardWriter(settings.library, manifest, 0, Hues.identity)
    with Library.open(settings.library / "shard-0000", write=True):
        assert isinstance(busy.answer("ready"), LibraryBusy)
    assert busy.answer("ready") is True  # free again
    busy.close()
    strange = replace(manifest, id="another")
    assert isinstance(
        ShardWriter(settings.library, strange, 1, Hues.identity).answer("ready"), LibraryDamaged
    )


def test_one_basis_is_kept_for_all_shards(settings: Settings, manifest: Manifest, basis: Basis) -> None:
    with pytest.raises(LibraryDamaged, match=r"basis\.npz"):
        kept_basis(settings.library)
    kept = kept_basis(settings.library, lambda: basis)
    assert (kept.mean == basis.mean).all()
    other = Basis(basis.mean + 1, basis.projection)
    assert (kept_basis(settings.library, lambda: other).mean == basis.mean).all()  # the first stays
    (settings.library / "basis.npz").write_bytes(b"spoilt")
    with pytest.raises(LibraryDamaged, match="restore it from a backup"):
        kept_basis(settings.library)
