"""A full disk, a read-only disk, a folder of somebody else: one sentence each, and nothing is harmed."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.library.conftest import DIMENSION, MODEL, content, file, forked, found, plant, vector

from dinoscope.errors import DinoscopeError, DiskFull, LibraryDamaged, LibraryReadOnly, NoLibrary
from dinoscope.library.connection import shorten_log
from dinoscope.library.failures import sentence_of
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library


def _mount(*arguments: str) -> bool:
    if shutil.which("mount") is None:
        return False
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of three megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not _mount("-t", "tmpfs", "-o", "size=3m", "none", str(disk)):
        pytest.skip("only root may mount a small disk here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """A file that leaves no room."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    return filler


def plant_until_full(library: Library) -> int:
    """How many pictures could be committed before the sentence came."""
    committed = 0
    with suppress(DiskFull):
        while True:
            plant(library, [file(number) for number in range(committed, committed + 100)])
            committed += 100
    return committed


def test_a_full_disk_is_said_and_loses_nothing(small_disk: Path) -> None:
    with Library.open(small_disk / "library", write=True) as library:
        committed = plant_until_full(library)
        assert committed > 0
        with pytest.raises(DiskFull, match=r"^no space is left for .* committed so far is safe$"):
            plant(library, [file(number) for number in range(committed, committed + 100)])
        assert library.count() == committed
        assert found(library, committed - 1) == [committed - 1]
        with pytest.raises(DiskFull):
            plant(library, [file(number) for number in range(10**6, 10**6 + 3000)])
        assert list(library.verify()) == []
    with Library.open(small_disk / "library") as reader:
        assert reader.count() == committed
        assert list(reader.verify()) == []


def test_a_disk_with_room_again_is_written_again(small_disk: Path) -> None:
    with Library.open(small_disk / "library", write=True) as library:
        plant(library, [file(1)])
        filler = fill(small_disk)
        plant_until_full(library)
        before = library.count()
        assert not library.put_thumbnail(content(1), b"RIFF" + bytes(10**6))
        filler.unlink()
        plant(library, [file(number) for number in range(200_000, 200_010)])
        assert library.count() == before + 10
        assert list(library.verify()) == []


def test_there_may_be_no_room_for_a_library_at_all(small_disk: Path) -> None:
    fill(small_disk)
    with pytest.raises(DiskFull, match="free some or choose another place"):
        Library.open(small_disk / "library", write=True)


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_FSIZE as a full disk")
def test_a_file_that_may_not_grow_is_a_full_disk(folder: Path) -> None:
    """What a quota does, without root: the vectors file hits a limit in the middle of an append."""
    program = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.library.conftest import file, plant
from dinoscope.errors import DiskFull
from dinoscope.library.library import Library
with Library.open(Path(sys.argv[2]), write=True) as library:
    plant(library, [file(number) for number in range(100)])
    size = (library.folder / "shelves/1/vectors-1.f16").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, resource.RLIM_INFINITY))
    try:
        plant(library, [file(number) for number in range(100, 200)])
    except DiskFull as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(library.count(), len(list(library.verify())))
"""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program, root, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[0].startswith("no space is left")
    assert done.stdout.splitlines()[1] == "100 0"
    with Library.open(folder, write=True) as again:
        plant(again, [file(150)])
        assert found(again, 150) == [150]


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_FSIZE as a full disk")
@pytest.mark.parametrize("act", ["optimise", "compact"])
def test_a_disk_that_is_full_in_the_middle_of_a_merge_keeps_the_engine_there_was(
    folder: Path, act: str
) -> None:
    """The new index may not become as large as it must: it is said, and the old one goes on."""
    program = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.library.conftest import MODEL, file, found, plant
from dinoscope.errors import DiskFull
from dinoscope.library import optimising
from dinoscope.library.library import Library
optimising.EXACT_UP_TO = 100
with Library.open(Path(sys.argv[2]), write=True) as library:
    plant(library, [file(number) for number in range(1000)])
    library.optimise()
    plant(library, [file(number) for number in range(1000, 1100)])
    library.remove(ids=[5])
    resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, resource.RLIM_INFINITY))
    try:
        getattr(library, sys.argv[3])()
    except DiskFull as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(library.shelf(MODEL.key).engine_name, len(list(library.verify())))
    print(sorted(path.name for path in library.folder.glob("shelves/1/*")))
    print([found(library, number) for number in (7, 1050)])
"""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program, root, str(folder), act], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    said, engine, files, answers = done.stdout.splitlines()
    assert said.startswith("no space is left for the library")
    assert engine == "ivf_rabitq 0"
    assert "engine-1" in files
    assert "engine-2" not in files
    assert answers == "[[7], [1050]]"
    with Library.open(folder, write=True) as again:
        again.compact()
        assert list(again.verify()) == []
        assert [found(again, number) for number in (7, 1050)] == [[7], [1050]]


@pytest.mark.parametrize("room", [60_000, 500_000])
def test_a_compaction_that_finds_no_room_gives_back_what_it_took(small_disk: Path, room: int) -> None:
    """Full in the copy, and when the tables are written anew: no half of a file stays, nor the long log."""
    with Library.open(small_disk / "library", write=True) as library:
        plant(library, [file(number) for number in range(2_500)])
        library.remove(parse_filter("bytes>=1100 and bytes<1600"))
        with library._connections.alone() as db:
            shorten_log(db)
        filler = fill(small_disk)
        os.truncate(filler, filler.stat().st_size - room)
        free = shutil.disk_usage(small_disk).free
        with pytest.raises(DiskFull):
            library.compact()
        assert shutil.disk_usage(small_disk).free >= free - 40_000  # the log's index
        assert len(list((library.folder / "shelves/1").iterdir())) == 1
        assert list(library.verify()) == []
        filler.unlink()
        library.compact()
        assert [found(library, number) for number in (7, 2_400)] == [[7], [2_400]]


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    """A library with three pictures on a disk that cannot be written."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with Library.open(disk / "library", write=True) as library:
        plant(library, [file(number) for number in range(3)])
    if not _mount("--bind", str(disk), str(disk)):
        pytest.skip("only root may mount a read-only disk here")
    if not _mount("-o", "remount,bind,ro", str(disk)):
        subprocess.run(["umount", "-l", str(disk)], check=True)
        pytest.skip("no read-only remount here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_library_on_a_read_only_disk_can_be_read(read_only_disk: Path) -> None:
    with Library.open(read_only_disk / "library") as library:
        assert found(library, 2) == [2]
        assert library.page().total == 3
        assert list(library.verify()) == []
        assert not library.put_thumbnail(content(1), b"RIFF\x04\x00\x00\x00WEBP")


def test_a_library_on_a_read_only_disk_cannot_be_written_and_says_so(read_only_disk: Path) -> None:
    with pytest.raises(LibraryReadOnly, match="cannot be written here: allow writing"):
        Library.open(read_only_disk / "library", write=True)
    with pytest.raises(LibraryReadOnly):
        Library.open(read_only_disk / "another", write=True)


def test_an_unfinished_log_on_a_read_only_disk_is_explained(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with Library.open(disk / "library", write=True) as library:
        plant(library, [file(1)])
        shutil.copytree(disk / "library", disk / "killed")  # as a killed writer leaves it, log and all
    (disk / "killed/library.sqlite-shm").unlink()
    if not _mount("--bind", str(disk), str(disk)):
        pytest.skip("only root may mount a read-only disk here")
    try:
        if not _mount("-o", "remount,bind,ro", str(disk)):
            pytest.skip("no read-only remount here")
        with pytest.raises(LibraryReadOnly, match="open it once where it can be written"):
            Library.open(disk / "killed")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    with Library.open(disk / "killed") as healed:
        assert found(healed, 1) == [1]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to become somebody else"
)
def test_the_library_of_another_user_can_be_read_and_not_written(tmp_path: Path) -> None:
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == 0 and path != Path("/tmp") and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    folder = tmp_path / "library"
    with Library.open(folder, write=True) as library:
        plant(library, [file(1)])
        assert forked(lambda: _as_nobody(folder)) == 0  # while the owner has it open, log and all
        plant(library, [file(2)])  # and the owner still holds the lock
    assert forked(lambda: _as_nobody(folder)) == 0


def _as_nobody(folder: Path) -> int:
    os.setuid(65534)
    try:
        with Library.open(folder) as library:
            if found(library, 1) != [1]:
                return 2
    except DinoscopeError:
        return 3
    try:
        Library.open(folder, write=True)
    except LibraryReadOnly:
        return 0
    return 4


def test_an_immutable_reader_notices_that_somebody_writes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that found a quiet library on a read-only mount looks again when a log appears."""
    from dinoscope.library import connection

    with Library.open(folder, write=True) as library:
        plant(library, [file(1)])
    ordinary = connection._connect

    def refused(path: Path, library: Path, mode: str) -> sqlite3.Connection:
        if mode == "mode=ro" and not connection._has_log(path):
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        return ordinary(path, library, mode)

    monkeypatch.setattr(connection, "_connect", refused)
    with Library.open(folder) as reader:
        assert reader.count() == 1
        with Library.open(folder, write=True) as writer:
            plant(writer, [file(2)])
            assert reader.count() == 2


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EROFS, LibraryReadOnly),
        (errno.EACCES, LibraryReadOnly),
    ],
)
def test_every_refusal_of_the_system_has_its_sentence(number: int, kind: type[DinoscopeError]) -> None:
    assert isinstance(sentence_of(OSError(number, os.strerror(number)), Path("/library")), kind)


def test_what_nobody_can_explain_stays_a_bug() -> None:
    assert sentence_of(OSError(errno.EBADF, "bad file"), Path("/library")) is None
    assert sentence_of(sqlite3.ProgrammingError("misuse"), Path("/library")) is None


@pytest.mark.parametrize(
    "damage", [b"this is not a database at all, " * 100, b"SQLite format 3\0" + bytes(4000)]
)
def test_a_file_that_is_no_library_is_said(folder: Path, damage: bytes) -> None:
    folder.mkdir()
    (folder / "library.sqlite").write_bytes(damage)
    for write in (False, True):
        with pytest.raises(LibraryDamaged):
            Library.open(folder, write=write)


@pytest.mark.parametrize("lost", ["deleted", "emptied"])
def test_tables_that_are_lost_cost_no_vectors(folder: Path, lost: str) -> None:
    """Whoever puts them back from a backup finds all again."""
    with Library.open(folder, write=True) as library:
        plant(library, [file(number) for number in range(5)])
    tables = folder / "library.sqlite"
    backup = tables.read_bytes()
    tables.unlink() if lost == "deleted" else tables.write_bytes(b"")
    with pytest.raises(NoLibrary):
        Library.open(folder)
    with pytest.raises(LibraryDamaged, match=r"library.sqlite is gone, .*: restore it from a backup"):
        Library.open(folder, write=True)
    tables.write_bytes(backup)
    with Library.open(folder, write=True) as library:
        assert found(library, 3) == [3]
        assert list(library.verify()) == []


def test_a_vectors_file_taken_away_is_said(folder: Path) -> None:
    with Library.open(folder, write=True) as library:
        plant(library, [file(1)])
        (folder / "shelves/1/vectors-1.f16").unlink()
        with pytest.raises(LibraryDamaged, match=r"vectors-1.f16 is missing"):
            library.shelf(MODEL.key).search(vector(1)[None], 1)
        assert library.page().total == 1
        assert "vectors-1.f16" in next(iter(library.verify())).what
        with pytest.raises(ValueError, match="no vector was given"):
            library.commit(MODEL, DIMENSION, [file(9)], {})
