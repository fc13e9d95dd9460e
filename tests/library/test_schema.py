"""Old libraries are brought forward, newer and foreign ones refused."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.library.conftest import file, found, plant

from dinoscope.errors import LibraryDamaged, NoLibrary
from dinoscope.library import schema
from dinoscope.library.library import Library


def test_a_newer_library_asks_for_a_newer_program(folder: Path) -> None:
    Library.open(folder, write=True).close()
    db = sqlite3.connect(folder / "library.sqlite")
    db.execute("PRAGMA user_version = 99")
    db.close()
    for write in (False, True):
        with pytest.raises(LibraryDamaged, match=r"newer Dinoscope .format 99.*: upgrade"):
            Library.open(folder, write=write)


def test_the_database_of_another_program_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    db = sqlite3.connect(folder / "library.sqlite")
    with db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    before = (folder / "library.sqlite").read_bytes()
    for write in (False, True):
        with pytest.raises(LibraryDamaged, match="belongs to another program"):
            Library.open(folder, write=write)
    assert (folder / "library.sqlite").read_bytes() == before


def test_a_library_killed_while_it_was_made_is_empty_and_can_be_made(folder: Path) -> None:
    folder.mkdir()
    (folder / "library.sqlite").touch()
    with pytest.raises(NoLibrary, match="still empty"):
        Library.open(folder)
    with Library.open(folder, write=True) as library:
        plant(library, [file(1)])


def test_an_old_library_is_brought_forward_by_a_writer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Library.open(folder, write=True) as library:
        plant(library, [file(1)])
    further = ("ALTER TABLE files ADD COLUMN stars INTEGER NOT NULL DEFAULT 3",)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, further))
    monkeypatch.setattr(schema, "READABLE", len(schema.MIGRATIONS))
    with pytest.raises(NoLibrary, match=r"older format .4.: index again"):
        Library.open(folder)
    with Library.open(folder, write=True) as library:
        assert found(library, 1) == [1]
        with library._connections.read() as db:
            assert db.execute("SELECT stars FROM files").fetchall() == [(3,)]
    Library.open(folder).close()


def test_a_migration_that_fails_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Library.open(folder, write=True).close()
    broken = ("CREATE TABLE halfway (x)", "THIS IS NO SQL")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
        with pytest.raises(sqlite3.OperationalError, match="syntax"):
            Library.open(folder, write=True)
    with Library.open(folder, write=True) as library, library._connections.read() as db:
        assert schema.version_of(db) == len(schema.MIGRATIONS)
        assert db.execute("SELECT 1 FROM sqlite_master WHERE name = 'halfway'").fetchone() is None
