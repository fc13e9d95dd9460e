"""The rows of videos, whose frames are rows of files."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from dinoscope.geometry import Size
from dinoscope.library.clocks import clock, moment_of
from dinoscope.library.paths import to_path, to_text
from dinoscope.library.records import NewVideo, Video
from dinoscope.library.schema import FILMED, version_of

_COLUMNS = (
    "id, path, content, width, height, bytes, modified, seconds, started, started_offset, clock, hidden, "
    "note, complete, (SELECT count(*) FROM files WHERE files.video = videos.id)"
)


def put(db: sqlite3.Connection, new: Iterable[NewVideo]) -> None:
    """Insert or replace the rows of these paths; one that is replaced is not complete, but keeps its id."""
    db.executemany(
        """INSERT INTO videos (path, content, width, height, bytes, modified, seconds, started,
               started_offset, clock)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (path) DO UPDATE SET content = excluded.content, width = excluded.width,
               height = excluded.height, bytes = excluded.bytes, modified = excluded.modified,
               seconds = excluded.seconds, started = excluded.started,
               started_offset = excluded.started_offset, clock = excluded.clock, hidden = 0, note = NULL,
               complete = 0""",
        [_row_of(one) for one in new],
    )


def finish(
    db: sqlite3.Connection, path: Path, contents: Collection[str], hidden: int, note: str | None
) -> None:
    """A video was gone through: forget frames it had before, and do not read it again until it changes."""
    row = db.execute("SELECT id FROM videos WHERE path = ?", (to_text(path),)).fetchone()
    if row is None:
        return  # all of it was removed meanwhile
    found = db.execute(
        "SELECT files.id, contents.hash FROM files JOIN contents ON contents.id = files.content "
        "WHERE files.video = ?",
        row,
    ).fetchall()
    old = [(id,) for id, content in found if content not in contents]
    db.executemany("DELETE FROM files WHERE id = ?", old)
    db.execute("DELETE FROM refusals WHERE path = ?", (to_text(path),))
    db.execute("UPDATE videos SET complete = 1, hidden = ?, note = ? WHERE id = ?", (hidden, note, row[0]))


def by_path(db: sqlite3.Connection, path: Path) -> Video | None:
    """The video at an absolute path."""
    return _one(db, "path = ?", to_text(path))


def by_id(db: sqlite3.Connection, id: int) -> Video | None:
    """The video with that id."""
    return _one(db, "id = ?", id)


def all_of(db: sqlite3.Connection) -> list[Video]:
    """Every video, by path."""
    if version_of(db) < FILMED:
        return []
    return [_video_of(row) for row in db.execute(f"SELECT {_COLUMNS} FROM videos ORDER BY path")]


def frames(db: sqlite3.Connection, id: int) -> list[tuple[int, float, str]]:
    """(picture, second, content) of a video's frames, in order of time."""
    if version_of(db) < FILMED:
        return []
    statement = (
        "SELECT files.id, files.second, contents.hash FROM files "
        "JOIN contents ON contents.id = files.content WHERE files.video = ? ORDER BY files.second"
    )
    return [(row[0], row[1], row[2]) for row in db.execute(statement, (id,))]


def _one(db: sqlite3.Connection, condition: str, value: str | int) -> Video | None:
    if version_of(db) < FILMED:
        return None
    row = db.execute(f"SELECT {_COLUMNS} FROM videos WHERE {condition}", (value,)).fetchone()
    return None if row is None else _video_of(row)


def _row_of(new: NewVideo) -> tuple[Any, ...]:
    facts = new.facts
    told = (facts.content, facts.size.width, facts.size.height, facts.bytes, facts.modified_ns, facts.seconds)
    return (to_text(new.path), *told, *clock(facts.started_at), facts.clock)


def _video_of(row: Sequence[Any]) -> Video:
    return Video(
        id=row[0],
        path=to_path(row[1]),
        content=row[2],
        size=Size(row[3], row[4]),
        bytes=row[5],
        modified_ns=row[6],
        seconds=row[7],
        started_at=moment_of(row[8], row[9]),
        clock=row[10],
        hidden=row[11],
        note=row[12],
        complete=bool(row[13]),
        frames=row[14],
    )
