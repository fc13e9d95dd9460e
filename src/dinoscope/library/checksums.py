"""Is a saved engine what was saved? A flipped bit in it would make answers wrong, not fail them.

Beside an engine's files lies one line for each: name, bytes, CRC-32 of its beginning and of all of it.
Opening checks the beginning, which has what everything else is read by; merging, ``compact`` and
``verify`` check all. It finds accidents, not malice. An engine saved by an older version has no sums
and is taken as it is.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path

NAME = "checksums.json"
BEGINNING = 2**24  # bytes: centres and lengths of the lists of five million vectors, 15 ms
_BLOCK = 2**20


def write(folder: Path) -> None:
    """Sum up the files of a folder."""
    files = [path for path in sorted(folder.iterdir()) if path.name != NAME]
    sums = {
        path.name: [path.stat().st_size, *(_sum(path, most) for most in (BEGINNING, None))] for path in files
    }
    (folder / NAME).write_text(json.dumps(sums))


def begin_right(folder: Path) -> bool:
    """Are all files there, of their length, and right in their beginning?"""
    return _right(folder, BEGINNING)


def right(folder: Path) -> bool:
    """Are all files what was saved? Reads them whole, 1 GB a second."""
    return _right(folder, None)


def _right(folder: Path, most: int | None) -> bool:
    try:
        sums = json.loads((folder / NAME).read_text())
        return all(
            (folder / name).stat().st_size == size and _sum(folder / name, most) == (begin if most else whole)
            for name, (size, begin, whole) in sums.items()
        )
    except FileNotFoundError:
        return folder.is_dir() and any(folder.iterdir()) and not (folder / NAME).exists()
    except (OSError, ValueError, TypeError, AttributeError):  # the sums themselves are damaged
        return False


def _sum(path: Path, most: int | None) -> int:
    """CRC-32 of the first bytes of a file, or of all."""
    found, left = 0, path.stat().st_size if most is None else most
    with path.open("rb") as file:
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            found = zlib.crc32(block, found)
            left -= len(block)
    return found
