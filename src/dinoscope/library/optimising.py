"""Which engine a shelf has, and the making of a new one beside the old."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dinoscope.engines import ENGINES
from dinoscope.engines.engine import Engine, Renumbering, Tick, VectorSource
from dinoscope.library import checksums
from dinoscope.library.connection import Connections
from dinoscope.library.failures import told
from dinoscope.library.recordfile import cut, sync_folder
from dinoscope.library.shelf_rows import ShelfRow, shelf_row, shelf_rows
from dinoscope.library.shelf_rows import alive as living
from dinoscope.library.snapshots import load

EXACT_UP_TO = 50_000  # live vectors: ~10 ms a search; an index pays beyond
EXACT_NUMBERS = 2**25  # of live region tokens, 8,192 pictures: 75 ms for 16 queries, 128 MB kept converted
TAIL_SHARE = 0.05  # merge when more of the vectors than this lie outside the engine, or
TAIL_PART = 4  # more than one part in so many of what exact search is good for: 2 ms of vectors


def optimise(connections: Connections, library: Path, engine: str = "auto", tick: Tick | None = None) -> None:
    """Give every shelf the engine its size asks for; does nothing where that is so already.

    The new engine is built beside the old one and swapped in one transaction: readers go on with
    theirs. ``tick`` may raise to cancel, which leaves everything as it was.
    """
    with connections.read() as db:
        plans = [(row, living(db, row)) for row in shelf_rows(db)]
    for row, alive in plans:
        wanted = _wanted(row, alive) if engine == "auto" else engine
        if wanted == "exact":
            if row.engine != "exact":
                _swap(connections, row, "exact", None, 0)
        elif row.engine != wanted or _long_tail(row) or not checksums.begin_right(row.engine_at(library)):
            _rebuild(connections, library, row, wanted, tick)


def _long_tail(row: ShelfRow) -> bool:
    tail = row.count * row.each - row.covered
    return tail > min(TAIL_SHARE * row.count * row.each, _border(row) / TAIL_PART)


def _wanted(row: ShelfRow, alive: int) -> str:
    """The engine for so many records alive."""
    if keeps_engine(row, alive):
        return row.engine
    return "ivf_rabitq" if alive * row.each > _border(row) else "exact"


def keeps_engine(row: ShelfRow, alive: int) -> bool:
    """Is the engine worth keeping, once there is one? No to and fro around the border."""
    return row.engine != "exact" and alive * row.each > _border(row) // 2


def _border(row: ShelfRow) -> int:
    """Vectors from which an index pays."""
    return EXACT_NUMBERS // row.dimension if row.tokens else EXACT_UP_TO


def _rebuild(connections: Connections, library: Path, row: ShelfRow, name: str, tick: Tick | None) -> None:
    previous = sound(library, row) if row.engine == name else None
    with built(row.folder(library), row.opened(library), name, previous, tick) as (folder, covered):
        _swap(connections, row, name, folder, covered)


def sound(library: Path, row: ShelfRow) -> Engine | None:
    """The shelf's saved engine to build upon; None where there is none or it is damaged."""
    if row.engine_folder is None or not checksums.right(row.engine_at(library)):
        return None
    engine = load(row, 0, library, None).engine
    return engine if engine.name == row.engine else None


@contextmanager
def built(
    shelf: Path,
    source: VectorSource,
    name: str,
    previous: Engine | None = None,
    tick: Tick | None = None,
    *,
    renumbered: Renumbering | None = None,
) -> Iterator[tuple[str, int]]:
    """A durable, saved engine: (its folder's new name, vectors covered); deleted again if the block fails."""
    with told(shelf):
        folder = shelf / f"engine-{_next_number(shelf)}"
        unfinished = folder.with_name(folder.name + ".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            unfinished.mkdir(parents=True)
            engine = ENGINES[name].build(
                source, previous=previous, tick=tick, scratch=unfinished, renumbered=renumbered
            )
            engine.save(unfinished)
            checksums.write(unfinished)
            covered = engine.covered
            del engine  # Windows renames no folder with a mapped file
            for file in unfinished.iterdir():
                with file.open("rb+") as handle:
                    os.fsync(handle.fileno())
            sync_folder(unfinished)
            unfinished.rename(folder)
            sync_folder(shelf)
            yield folder.name, covered
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _next_number(shelf: Path) -> int:
    numbers = [int(path.name[7:]) for path in shelf.glob("engine-*") if path.name[7:].isdecimal()]
    return max(numbers, default=0) + 1


def _swap(connections: Connections, row: ShelfRow, name: str, folder: str | None, covered: int) -> None:
    with connections.write() as db:
        now = shelf_row(db, row.key)
        if now is None or now.file != row.file:
            raise RuntimeError("the shelf was compacted while its engine was built")  # callers hold one lock
        db.execute(
            "UPDATE shelves SET engine = ?, engine_folder = ?, covered = ? WHERE id = ?",
            (name, folder, covered, row.id),
        )


def clean(connections: Connections, library: Path) -> None:
    """What a writer that died has left: records never committed, engines and files nobody points to."""
    shelves = library / "shelves"
    if not shelves.is_dir():
        return
    with connections.alone() as db:  # what another thread commits meanwhile would be taken for a trace
        rows = {str(row.id): row for row in shelf_rows(db)}
        for folder in shelves.iterdir():
            row = rows.get(folder.name)
            if row is None:
                shutil.rmtree(folder, ignore_errors=True)
                continue
            for path in folder.iterdir():
                if path.is_dir() and path.name != row.engine_folder:
                    shutil.rmtree(path, ignore_errors=True)
                elif path.is_file() and path.name != row.file:
                    path.unlink(missing_ok=True)
            cut(folder / row.file, row.record.itemsize, row.count)
