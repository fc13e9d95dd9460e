"""The tables, and the way from any older version of them to this one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from dinoscope.errors import LibraryDamaged, NoLibrary

APPLICATION_ID = 0x44494E4F  # "DINO": tells a library from any other SQLite file

# Each entry brings a library one version further. Never change one that was released: add the next.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # generation grows with every commit: what readers cache is valid for one generation
        "CREATE TABLE library (generation INTEGER NOT NULL)",
        "INSERT INTO library VALUES (0)",
        # files = number of rows in files with that content, kept by the triggers below; 0 is a tombstone
        """CREATE TABLE contents (
            id INTEGER PRIMARY KEY,
            hash TEXT NOT NULL UNIQUE,
            files INTEGER NOT NULL DEFAULT 0)""",
        "CREATE INDEX dead_contents ON contents (id) WHERE files = 0",
        "CREATE TABLE roots (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE)",
        # times are nanoseconds since 1970 UTC, but taken: the camera's own clock as ISO text, which
        # sorts and compares as text, with the minutes east of UTC where the picture tells them
        """CREATE TABLE files (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            path TEXT NOT NULL UNIQUE,
            folder TEXT NOT NULL,
            root INTEGER NOT NULL REFERENCES roots (id),
            content INTEGER NOT NULL REFERENCES contents (id),
            kind TEXT NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            added INTEGER NOT NULL,
            taken TEXT,
            taken_offset INTEGER,
            camera TEXT,
            lens TEXT,
            latitude REAL,
            longitude REAL)""",
        "CREATE INDEX files_by_content ON files (content)",
        "CREATE INDEX files_by_root ON files (root)",
        "CREATE INDEX files_by_taken ON files (taken, id)",
        "CREATE INDEX files_by_bytes ON files (bytes, id)",
        """CREATE TRIGGER file_added AFTER INSERT ON files BEGIN
            UPDATE contents SET files = files + 1 WHERE id = new.content; END""",
        """CREATE TRIGGER file_removed AFTER DELETE ON files BEGIN
            UPDATE contents SET files = files - 1 WHERE id = old.content; END""",
        """CREATE TRIGGER file_changed AFTER UPDATE OF content ON files WHEN old.content <> new.content BEGIN
            UPDATE contents SET files = files - 1 WHERE id = old.content;
            UPDATE contents SET files = files + 1 WHERE id = new.content; END""",
        # count: committed rows of the vectors file; covered: those inside the engine's folder
        """CREATE TABLE shelves (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            key TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            dimension INTEGER NOT NULL,
            count INTEGER NOT NULL DEFAULT 0,
            vectors TEXT NOT NULL DEFAULT 'vectors-1.f16',
            engine TEXT NOT NULL DEFAULT 'exact',
            engine_folder TEXT,
            covered INTEGER NOT NULL DEFAULT 0,
            calibration TEXT)""",
        """CREATE TABLE vectors (
            shelf INTEGER NOT NULL REFERENCES shelves (id),
            row INTEGER NOT NULL,
            content INTEGER NOT NULL REFERENCES contents (id),
            PRIMARY KEY (shelf, row)) WITHOUT ROWID""",
        "CREATE UNIQUE INDEX vectors_by_content ON vectors (content, shelf)",
        "CREATE TABLE refusals (path TEXT PRIMARY KEY, sentence TEXT NOT NULL) WITHOUT ROWID",
    ),
    (
        # region tokens are a shelf of their own: tokens a record, and the most patches of a picture
        "ALTER TABLE shelves ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE shelves ADD COLUMN patches INTEGER NOT NULL DEFAULT 0",
        # float32, little-endian: mean (D,), projection (dimension, D); committed with the first tokens
        """CREATE TABLE bases (
            shelf INTEGER PRIMARY KEY REFERENCES shelves (id),
            dimension INTEGER NOT NULL,
            mean BLOB NOT NULL,
            projection BLOB NOT NULL)""",
    ),
    (
        # counted as they change: counting five million rows takes a second, and every search wants to know
        "ALTER TABLE library ADD COLUMN files INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE library ADD COLUMN contents INTEGER NOT NULL DEFAULT 0",  # those with a file
        # dead: records whose content has no file; turns: how often one died or came back
        "ALTER TABLE shelves ADD COLUMN dead INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE shelves ADD COLUMN turns INTEGER NOT NULL DEFAULT 0",
        """UPDATE library SET files = (SELECT count(*) FROM files),
            contents = (SELECT count(*) FROM contents WHERE files > 0)""",
        """UPDATE shelves SET dead = (SELECT count(*) FROM contents JOIN vectors
            ON vectors.content = contents.id AND vectors.shelf = shelves.id WHERE contents.files = 0)""",
        "CREATE TRIGGER counted AFTER INSERT ON files BEGIN UPDATE library SET files = files + 1; END",
        "CREATE TRIGGER discounted AFTER DELETE ON files BEGIN UPDATE library SET files = files - 1; END",
        """CREATE TRIGGER content_turned AFTER UPDATE OF files ON contents
            WHEN (old.files = 0) <> (new.files = 0) BEGIN
            UPDATE library SET contents = contents + iif(new.files = 0, -1, 1);
            UPDATE shelves SET dead = dead + iif(new.files = 0, 1, -1), turns = turns + 1
                WHERE id IN (SELECT shelf FROM vectors WHERE content = new.id); END""",
        """CREATE TRIGGER born_dead AFTER INSERT ON vectors
            WHEN (SELECT files FROM contents WHERE id = new.content) = 0 BEGIN
            UPDATE shelves SET dead = dead + 1, turns = turns + 1 WHERE id = new.shelf; END""",
        """CREATE TRIGGER buried AFTER DELETE ON vectors
            WHEN (SELECT files FROM contents WHERE id = old.content) = 0 BEGIN
            UPDATE shelves SET dead = dead - 1, turns = turns + 1 WHERE id = old.shelf; END""",
    ),
    (
        # a frame of a video is a row of files: its path lies below the video's, its folder is the video.
        # started: as files.taken, by whom clock says; complete: every frame worth keeping has its row
        """CREATE TABLE videos (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            path TEXT NOT NULL UNIQUE,
            content TEXT NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            seconds REAL NOT NULL,
            started TEXT NOT NULL,
            started_offset INTEGER,
            clock TEXT NOT NULL,
            hidden INTEGER NOT NULL DEFAULT 0,
            note TEXT,
            complete INTEGER NOT NULL DEFAULT 0)""",
        "ALTER TABLE files ADD COLUMN video INTEGER REFERENCES videos (id)",
        "ALTER TABLE files ADD COLUMN second REAL",
        "CREATE INDEX files_by_video ON files (video, second) WHERE video IS NOT NULL",
        """CREATE TRIGGER frame_removed AFTER DELETE ON files WHEN old.video IS NOT NULL BEGIN
            UPDATE videos SET complete = 0 WHERE id = old.video;
            DELETE FROM videos WHERE id = old.video
                AND NOT EXISTS (SELECT 1 FROM files WHERE files.video = old.video); END""",
    ),
)
COUNTED = 3  # the version from which rows are counted as they change
FILMED = 4  # that from which there are videos
READABLE = 1  # the oldest version that can still be read as it is, without a writer to bring it forward


def version_of(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection, folder: Path) -> None:
    """Bring the tables to this version inside one transaction per step; needs a writing connection.

    Raises:
        LibraryDamaged: the file belongs to something else, or to a newer Dinoscope.
    """
    check_version(db, folder, write=True)
    for version in range(version_of(db), len(MIGRATIONS)):
        db.execute("BEGIN IMMEDIATE")
        try:
            for statement in MIGRATIONS[version]:
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {version + 1}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def check_version(db: sqlite3.Connection, folder: Path, *, write: bool) -> None:
    """Refuse what this program cannot read.

    Raises:
        LibraryDamaged: not a library's file, or one of a newer Dinoscope.
        NoLibrary: for reading only: nothing in it yet, or a version older than ``READABLE``.
    """
    version = version_of(db)
    owner = int(db.execute("PRAGMA application_id").fetchone()[0])
    strangers = db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
    if owner != APPLICATION_ID and (owner or version or strangers):
        raise LibraryDamaged(f"{folder}/library.sqlite belongs to another program: choose another folder")
    if version > len(MIGRATIONS):
        raise LibraryDamaged(
            f"the library {folder} was written by a newer Dinoscope (format {version}, this one reads "
            f"{len(MIGRATIONS)}): upgrade Dinoscope"
        )
    if not write and version == 0:
        raise NoLibrary(f"the library {folder} is still empty: index a folder of pictures first")
    if not write and version < READABLE:
        raise NoLibrary(
            f"the library {folder} has an older format ({version}): index again, which brings it up to date"
        )
