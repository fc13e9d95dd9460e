"""A trash of the library's own: files are moved, never deleted, and every step is written down before it.

The files lie in ``trash`` in the library's folder, which no indexing walks through. A line of the copy
book's journal says where each came from; whoever opens the trash next puts right what a killed process
left half done.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from errno import EXDEV
from pathlib import Path
from typing import Any

from dinoscope.errors import DinoscopeError, Unreadable
from dinoscope.geometry import Size
from dinoscope.library.copybook import CopyBook
from dinoscope.library.library import Library
from dinoscope.library.paths import to_path, to_text
from dinoscope.library.recordfile import sync_folder
from dinoscope.library.records import NewFile, Picture
from dinoscope.models.backbone import ModelIdentity
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.metadata import Metadata
from dinoscope.pictures.reading import content_hash

FOLDER = "trash"


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of files that were to be moved."""

    batch: int  # by which it is undone; 0 when nothing was moved
    paths: tuple[Path, ...]  # where they were, or are again
    refused: tuple[str, ...]  # a sentence for each that stayed where it is


class Trash:
    """The trash of a library that is open for writing."""

    def __init__(self, library: Library, book: CopyBook, limits: Limits) -> None:
        """Opens it, and puts right what was left half done."""
        self._library = library
        self._book = book
        self._limits = limits
        self._folder = library.folder / FOLDER
        self._mend()

    def move(self, pictures: Sequence[Picture]) -> Moved:
        """Move these files into the trash and forget their rows; one that has changed since stays.

        Raises:
            LibraryReadOnly: the library is open for reading only.
        """
        self._library.remove(ids=[])  # refuses what is open for reading only, before any file is touched
        roots = self._library.info().roots
        batch = 1 + int(self._book.read("SELECT coalesce(max(batch), 0) FROM trash")[0][0])
        gone, refused = [], []
        for picture in pictures:
            try:
                self._check(picture)
                root = next(one for one in roots if picture.path.is_relative_to(one))
                self._move(picture, root, batch)
                gone.append(picture.path)
            except (DinoscopeError, OSError, StopIteration) as error:
                why = str(error) or "it lies in no indexed folder"
                refused.append(why if isinstance(error, DinoscopeError) else f"{picture.path} stays: {why}")
        return Moved(batch if gone else 0, tuple(gone), tuple(refused))

    def undo(self, batch: int | None = None) -> Moved:
        """Move back what was moved last, or in that batch, and remember it in the library again."""
        self._library.remove(ids=[])
        if batch is None:
            batch = int(
                self._book.read("SELECT coalesce(max(batch), 0) FROM trash WHERE step = 'there'")[0][0]
            )
        rows = self._book.read(
            "SELECT id, path, name, record FROM trash WHERE batch = ? AND step = 'there' ORDER BY id",
            (batch,),
        )
        back, refused = [], []
        for id, text, name, record in rows:
            path = to_path(text)
            try:
                self._step(id, "returning")
                _moved(self._folder / name, path)
                self._remember(json.loads(record), path)
                self._step(id, "back")
                back.append(path)
            except (DinoscopeError, OSError) as error:
                self._step(id, "back" if path.exists() and not (self._folder / name).exists() else "there")
                refused.append(f"{path} could not be brought back: {error}")
        return Moved(batch if back else 0, tuple(back), tuple(refused))

    def _check(self, picture: Picture) -> None:
        """Raises: Unreadable when it is not the file that was indexed, or leads out of its folder."""
        if picture.moment is not None:
            raise Unreadable(f"{picture.name} is a moment of a video: it stays, and so does the video")
        path = self._library.original(picture, self._limits)
        if path.is_symlink() or not path.is_file():
            raise Unreadable(f"{path} is no file of its own any more: it stays")
        if content_hash(path.read_bytes()) != picture.content:
            raise Unreadable(f"{path} has changed since it was indexed: it stays; index its folder again")

    def _move(self, picture: Picture, root: Path, batch: int) -> None:
        self._folder.mkdir(exist_ok=True)
        with self._book.writing() as db:
            id = db.execute(
                "INSERT INTO trash (batch, path, name, step, record) VALUES (?, ?, '', 'moving', ?)",
                (batch, to_text(picture.path), json.dumps(_record(picture, root))),
            ).lastrowid
            name = f"{id:08d}{picture.path.suffix.lower()}"
            db.execute("UPDATE trash SET name = ? WHERE id = ?", (name, id))
        assert id is not None
        _moved(picture.path, self._folder / name)
        self._library.remove(ids=[picture.id])
        self._step(id, "there")

    def _remember(self, record: dict[str, Any], path: Path) -> None:
        """The row again; its vectors are there unless a compaction has dropped them."""
        facts = path.stat()
        taken = record["taken"]
        about = Metadata(datetime.fromisoformat(taken) if taken else None, *record["about"])
        file = NewFile(
            path, to_path(record["root"]), record["content"], record["kind"], Size(*record["size"]),
            facts.st_size, facts.st_mtime_ns, about,
        )  # fmt: skip
        for shelf in self._library.info().shelves:
            if self._library.has(file.content, shelf.key):
                name, rest = shelf.key.split("@", 1)
                identity = ModelIdentity(name, *rest.split("/"))
                self._library.commit(identity, shelf.dimension, [file], {})
                return

    def _step(self, id: int, step: str) -> None:
        with self._book.writing() as db:
            db.execute("UPDATE trash SET step = ? WHERE id = ?", (step, id))

    def _mend(self) -> None:
        """Finish or take back what a killed process was about."""
        rows = self._book.read(
            "SELECT id, path, name, step, record FROM trash WHERE step IN ('moving', 'returning')"
        )
        for id, text, name, step, record in rows:
            path, there = to_path(text), self._folder / name
            kept = json.loads(record)
            if path.exists():  # never left, or is back already
                mine = path.is_file() and content_hash(path.read_bytes()) == kept["content"]
                if there.exists() and mine:
                    there.unlink()  # the same file by another name, or an unfinished copy of it
                if step == "moving":
                    with self._book.writing() as db:
                        db.execute("DELETE FROM trash WHERE id = ?", (id,))
                elif mine:
                    self._remember(kept, path)
                    self._step(id, "back")
                else:
                    self._step(id, "there")  # somebody put another file there meanwhile
            elif there.exists():
                known = self._library.find(path)
                if known is not None:
                    self._library.remove(ids=[known.id])
                self._step(id, "there")


def _record(picture: Picture, root: Path) -> dict[str, Any]:
    """What the row needs to be made again."""
    about = picture.metadata
    return {
        "root": to_text(root),
        "content": picture.content,
        "kind": picture.kind,
        "size": [picture.size.width, picture.size.height],
        "taken": about.taken_at.isoformat() if about.taken_at else None,
        "about": [about.camera, about.lens, about.latitude, about.longitude],
    }


def _moved(start: Path, end: Path) -> None:
    """Move a file; what lies at the other place is never overwritten.

    Raises:
        FileExistsError, OSError.
    """
    try:
        os.link(start, end, follow_symlinks=False)  # fails when there is something, unlike a rename
        start.unlink()
    except FileExistsError:
        raise
    except OSError as error:
        if end.exists():
            raise FileExistsError(f"{end} is there") from error
        end.parent.mkdir(parents=True, exist_ok=True)
        if error.errno == EXDEV:  # another disk: copied, on the disk, and only then taken away
            _copied(start, end)
        else:
            start.rename(end)
    for folder in {start.parent, end.parent}:
        sync_folder(folder)


def _copied(start: Path, end: Path) -> None:
    unfinished = end.with_name(end.name + ".part")
    shutil.copy2(start, unfinished)
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    unfinished.rename(end)
    start.unlink()
