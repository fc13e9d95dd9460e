"""The rows of files: written by the indexer's commits, read as Pictures."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from os import sep
from os.path import realpath
from pathlib import Path
from typing import Any, TypeVar

from dinoscope.errors import Unreadable
from dinoscope.geometry import Size
from dinoscope.library import videos
from dinoscope.library.clocks import clock, moment_of
from dinoscope.library.filters import Filter
from dinoscope.library.paths import below, to_path, to_text
from dinoscope.library.records import Moment, NewFile, Picture, Stamp
from dinoscope.library.schema import COUNTED, FILMED, version_of
from dinoscope.pictures.metadata import Metadata
from dinoscope.pictures.naming import shown
from dinoscope.pictures.refusal import Refusal

_COLUMNS = (
    "files.id, files.path, contents.hash, files.kind, files.width, files.height, files.bytes, "
    "files.modified, files.added, files.taken, files.taken_offset, files.camera, files.lens, "
    "files.latitude, files.longitude, "
)
_FILMED, _UNFILMED = "files.video, files.second", "NULL, NULL"
JOINED = "files JOIN contents ON contents.id = files.content"
_SLICE = 500  # parameters a statement: old SQLite builds stop at 999
_T = TypeVar("_T")


def columns(db: sqlite3.Connection) -> str:
    """What ``picture_of`` reads; a reader may meet a format that knows no videos."""
    return _COLUMNS + (_FILMED if version_of(db) >= FILMED else _UNFILMED)


def put(db: sqlite3.Connection, files: Sequence[NewFile]) -> None:
    """Insert or replace the rows of these paths; a path keeps its id and the time it was added."""
    now = time.time_ns()
    videos.put(db, {file.video.path: file.video for file in files if file.video is not None}.values())
    contents = [(file.content,) for file in files]
    db.executemany("INSERT INTO contents (hash) VALUES (?) ON CONFLICT DO NOTHING", contents)
    roots = {to_text(file.root) for file in files}
    db.executemany("INSERT INTO roots (path) VALUES (?) ON CONFLICT DO NOTHING", [(root,) for root in roots])
    db.executemany(
        """INSERT INTO files (path, folder, root, content, kind, width, height, bytes, modified, added,
               taken, taken_offset, camera, lens, latitude, longitude, video, second)
           VALUES (?, ?, (SELECT id FROM roots WHERE path = ?), (SELECT id FROM contents WHERE hash = ?),
               ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT id FROM videos WHERE path = ?), ?)
           ON CONFLICT (path) DO UPDATE SET root = excluded.root, content = excluded.content,
               kind = excluded.kind, width = excluded.width, height = excluded.height, bytes = excluded.bytes,
               modified = excluded.modified, taken = excluded.taken, taken_offset = excluded.taken_offset,
               camera = excluded.camera, lens = excluded.lens, latitude = excluded.latitude,
               longitude = excluded.longitude, video = excluded.video, second = excluded.second""",
        [_row_of(file, now) for file in files],
    )
    db.executemany("DELETE FROM refusals WHERE path = ?", [(to_text(file.path),) for file in files])


def _row_of(file: NewFile, now: int) -> tuple[Any, ...]:
    about = file.metadata
    taken, offset = clock(about.taken_at)
    place = (to_text(file.path), to_text(file.path.parent), to_text(file.root))
    shape = (file.content, file.kind, file.size.width, file.size.height, file.bytes, file.modified_ns, now)
    film = None if file.video is None else to_text(file.video.path), file.second
    return (*place, *shape, taken, offset, about.camera, about.lens, about.latitude, about.longitude, *film)


def picture_of(row: Sequence[Any]) -> Picture:
    """A row of ``columns`` as a value."""
    taken = None if row[9] is None else moment_of(row[9], row[10])
    return Picture(
        id=row[0],
        path=to_path(row[1]),
        content=row[2],
        kind=row[3],
        size=Size(row[4], row[5]),
        bytes=row[6],
        modified_at=_utc(row[7]),
        added_at=_utc(row[8]),
        metadata=Metadata(taken, row[11], row[12], row[13], row[14]),
        moment=None if row[15] is None else Moment(row[15], row[16]),
    )


def _utc(nanoseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)


def slices(values: Iterable[_T]) -> Iterator[list[_T]]:
    """Stretches short enough for the parameters of one statement."""
    rest = iter(values)
    while part := list(islice(rest, _SLICE)):
        yield part


def marks(count: int) -> str:
    return ", ".join("?" * count)


def by_id(db: sqlite3.Connection, ids: Iterable[int]) -> dict[int, Picture]:
    """The pictures with these ids; ids that are not there are left out."""
    found: dict[int, Picture] = {}
    for part in slices(ids):
        statement = f"SELECT {columns(db)} FROM {JOINED} WHERE files.id IN ({marks(len(part))})"
        found |= {row[0]: picture_of(row) for row in db.execute(statement, part)}
    return found


def by_content(
    db: sqlite3.Connection, contents: Iterable[str], where: Filter | None = None
) -> dict[str, tuple[Picture, ...]]:
    """The files of each content that pass the filter, oldest row first; contents without one are left out."""
    found: dict[str, list[Picture]] = {}
    for part in slices(contents):
        statement = f"SELECT {columns(db)} FROM {JOINED} WHERE contents.hash IN ({marks(len(part))})"
        condition, parameters = sql_of(where)
        for row in db.execute(f"{statement} AND {condition} ORDER BY files.id", (*part, *parameters)):
            found.setdefault(row[2], []).append(picture_of(row))
    return {content: tuple(pictures) for content, pictures in found.items()}


def by_path(db: sqlite3.Connection, path: Path) -> Picture | None:
    """The picture at an absolute path."""
    row = db.execute(f"SELECT {columns(db)} FROM {JOINED} WHERE files.path = ?", (to_text(path),)).fetchone()
    return None if row is None else picture_of(row)


def stamp_of(db: sqlite3.Connection, path: Path) -> Stamp | None:
    """What the row of an absolute path says of its file."""
    statement = f"SELECT contents.hash, files.bytes, files.modified FROM {JOINED} WHERE files.path = ?"
    row = db.execute(statement, (to_text(path),)).fetchone()
    return None if row is None else Stamp(*row)


def stamps(db: sqlite3.Connection, shelves: Sequence[int]) -> Iterator[tuple[str, Stamp, bool]]:
    """(path as text, stamp, has its content a record on each of the shelves?) of every row."""
    whole = " AND ".join(
        f"EXISTS (SELECT 1 FROM vectors WHERE vectors.content = files.content AND vectors.shelf = {int(id)})"
        for id in shelves
    )
    statement = f"SELECT files.path, contents.hash, files.bytes, files.modified, {whole or 0} FROM {JOINED}"
    for path, *stamp, complete in db.execute(statement):
        yield path, Stamp(*stamp), bool(complete)


def sql_of(where: Filter | None) -> tuple[str, tuple[str | int | float, ...]]:
    """(condition, parameters) for a WHERE over ``files``."""
    return ("1", ()) if where is None else (f"({where.sql})", where.parameters)


def contents(db: sqlite3.Connection) -> int:
    """Contents that have a file."""
    if version_of(db) >= COUNTED:
        return int(db.execute("SELECT contents FROM library").fetchone()[0])
    return int(db.execute("SELECT count(*) FROM contents WHERE files > 0").fetchone()[0])


def twins(db: sqlite3.Connection) -> list[str]:
    """Contents of more than one file that is no frame of a video."""
    filmed = version_of(db) >= FILMED
    statement = (
        "SELECT contents.hash FROM contents WHERE contents.files > 1 AND "
        "(SELECT count(*) FROM files WHERE files.content = contents.id"
        f"{' AND files.video IS NULL' if filmed else ''}) > 1"
    )
    return [row[0] for row in db.execute(statement)]


def count(db: sqlite3.Connection, where: Filter | None = None) -> int:
    """Files that pass the filter."""
    if where is None and version_of(db) >= COUNTED:
        return int(db.execute("SELECT files FROM library").fetchone()[0])
    condition, parameters = sql_of(where)
    return int(db.execute(f"SELECT count(*) FROM files WHERE {condition}", parameters).fetchone()[0])


def remove(db: sqlite3.Connection, where: Filter | None, ids: Sequence[int]) -> int:
    """Delete the rows that pass the filter and those with the ids; contents become tombstones by trigger."""
    gone = 0
    if where is not None:
        gone += db.execute(f"DELETE FROM files WHERE {where.sql}", where.parameters).rowcount
    for part in slices(ids):
        gone += db.execute(f"DELETE FROM files WHERE id IN ({marks(len(part))})", part).rowcount
    _drop_empty_roots(db)
    return gone


def under(db: sqlite3.Connection, root: Path) -> Iterator[tuple[int, Path]]:
    """(id, path) of every row at or below a folder."""
    start, stop = below(to_text(root))
    statement = "SELECT id, path FROM files WHERE path = ? OR (path >= ? AND path < ?)"
    for row in db.execute(statement, (to_text(root), start, stop)):
        yield row[0], to_path(row[1])


def confined(db: sqlite3.Connection, picture: Picture) -> Path:
    """Its path, unless that leads out of the folder it was indexed with: through a link that came later.

    Raises:
        Unreadable: it does, and nothing out there was ever meant to be shown.
    """
    statement = "SELECT roots.path FROM files JOIN roots ON roots.id = files.root WHERE files.id = ?"
    row = db.execute(statement, (picture.id,)).fetchone()
    if row is not None:
        root, place = realpath(to_path(row[0])), realpath(picture.path)
        if place == root or place.startswith(root.rstrip(sep) + sep):
            return picture.path
    raise Unreadable(f"{shown(picture.path)} leads out of its folder by now: index the place itself")


def _drop_empty_roots(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM roots WHERE NOT EXISTS (SELECT 1 FROM files WHERE files.root = roots.id)")


def put_refusals(db: sqlite3.Connection, refusals: Sequence[Refusal]) -> None:
    db.executemany(
        "INSERT INTO refusals VALUES (?, ?) ON CONFLICT DO UPDATE SET sentence = excluded.sentence",
        [(to_text(refusal.path), refusal.sentence) for refusal in refusals],
    )


def refusals(db: sqlite3.Connection) -> tuple[Refusal, ...]:
    """All that are remembered, by path."""
    rows = db.execute("SELECT path, sentence FROM refusals ORDER BY path")
    return tuple(Refusal(to_path(path), sentence) for path, sentence in rows)


def prune(db: sqlite3.Connection, root: Path, seen: Collection[Path]) -> int:
    """As ``Library.prune``."""
    gone = [
        id
        for id, path in under(db, root)
        if path not in seen and not any(parent in seen for parent in path.parents)
    ]
    forgive(db, root, seen)
    return remove(db, None, gone)


def forgive(db: sqlite3.Connection, root: Path, still: Collection[Path]) -> None:
    """Forget the refusals at or below a folder of which the paths are not among ``still``."""
    old = [refusal.path for refusal in refusals(db)]
    forgotten = [path for path in old if path.is_relative_to(root) and path not in still]
    db.executemany("DELETE FROM refusals WHERE path = ?", [(to_text(path),) for path in forgotten])
