"""Codes sorted into inverted lists with bounded memory, and written as faiss reads them.

faiss keeps the lists of an index in memory while vectors are added, and copies them to save them: 5 GB
twice for the region tokens of five million pictures. Here codes are collected in *parts* of so many
bytes, each sorted by list and put aside on the disk; the file is then written list by list from all of
them. It is the file that faiss itself would write, byte for byte ("ilar", full: the number of lists, of
bytes a code, of codes in each list; then each list's codes and their rows).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dinoscope.engines.engine import Renumbering, Rows

PART_BYTES = 2**27  # codes and rows collected before they are put aside; sorting takes as much again
_ROWS = 2**16  # looked at together
_MARK = b"ilar"
_ROW = np.dtype("<i8")

Codes: TypeAlias = NDArray[np.uint8]
Span: TypeAlias = tuple[Codes, Rows]  # (n, bytes a code) and (n,) of one list
Spans: TypeAlias = Callable[[int], Span]  # of the list of a number


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Codes sorted by list, in each list by row."""

    starts: Rows  # (lists + 1,) where each list begins
    codes: Codes
    rows: Rows

    def span(self, number: int) -> Span:
        here = slice(int(self.starts[number]), int(self.starts[number + 1]))
        return self.codes[here], self.rows[here]


class Collector:
    """Takes codes in the order of their rows. To be closed, which deletes its parts."""

    def __init__(self, lists: int, code_size: int, first: int, scratch: Path | None) -> None:
        """
        Args:
            first: the row of the first code.
            scratch: a folder for the parts; None keeps them in memory.
        """
        self._lists = lists
        self._first = first
        self._scratch = scratch
        room = PART_BYTES // (code_size + _ROW.itemsize)
        self._codes: Codes = np.empty((room, code_size), np.uint8)  # pages nobody touches cost nothing
        self._list_of: NDArray[np.int32] = np.empty(room, np.int32)
        self._held = 0
        self._parts: list[_Part] = []
        self._files: list[Path] = []

    def add(self, lists: Rows, codes: Codes) -> None:
        """(n,) the list of each code, and (n, bytes a code)."""
        done = 0
        while done < len(codes):
            if self._held == len(self._codes):
                self._put_aside()
            taken = min(len(codes) - done, len(self._codes) - self._held)
            here = slice(self._held, self._held + taken)
            self._codes[here], self._list_of[here] = codes[done : done + taken], lists[done : done + taken]
            self._held += taken
            done += taken

    def write(self, head: bytes, file: IO[bytes], before: Spans | None = None) -> None:
        """All codes, behind the bytes of an index without any; in each list those of ``before`` are first."""
        self._put_aside()
        spans = [*([before] if before is not None else []), *(part.span for part in self._parts)]
        sizes = np.zeros(self._lists, "<u8")
        for number in range(self._lists):
            sizes[number] = sum(len(span(number)[1]) for span in spans)
        file.write(head[: head.rindex(_MARK)])
        file.write(struct.pack("<4sQQ4sQ", _MARK, self._lists, self._codes.shape[1], b"full", self._lists))
        file.write(sizes.tobytes())
        for number in range(self._lists):
            found = [span(number) for span in spans]
            for codes, _ in found:
                file.write(codes.tobytes())
            for _, rows in found:
                file.write(rows.astype(_ROW, copy=False).tobytes())

    def close(self) -> None:
        self._parts.clear()  # unmapped, which Windows demands of a file to be deleted
        for path in self._files:
            path.unlink(missing_ok=True)
        self._files.clear()

    def _put_aside(self) -> None:
        if not self._held:
            return
        lists = self._list_of[: self._held]
        order = np.argsort(lists, kind="stable")
        starts = np.zeros(self._lists + 1, np.int64)
        np.cumsum(np.bincount(lists, minlength=self._lists), out=starts[1:])
        part = _Part(starts, self._codes[order], order + self._first)
        self._first += self._held
        self._held = 0
        self._parts.append(part if self._scratch is None else self._stored(part, self._scratch))

    def _stored(self, part: _Part, scratch: Path) -> _Part:
        """The same on the disk, mapped."""
        path = scratch / f"part-{len(self._files)}"
        self._files.append(path)
        with path.open("wb") as file:
            file.write(part.codes.data)
            file.write(part.rows.data)
        count, size = part.codes.shape
        codes: Codes = np.memmap(path, np.uint8, "r", 0, (count, size))
        rows: Rows = np.memmap(path, np.int64, "r", count * size, (count,))
        return _Part(part.starts, codes, rows)


def spans_of(lists: Any) -> Spans:
    """Those of faiss's inverted lists, not copied: they hold as long as the index does."""
    import faiss

    size = int(lists.code_size)

    def span(number: int) -> Span:
        count = int(lists.list_size(number))
        if not count:
            return np.empty((0, size), np.uint8), np.empty(0, np.int64)
        codes = faiss.rev_swig_ptr(lists.get_codes(number), count * size).reshape(count, size)
        return codes, faiss.rev_swig_ptr(lists.get_ids(number), count)

    return span


def renamed(spans: Spans, renumbered: Renumbering) -> Spans:
    """The same without the rows that are gone, by the new names of the others."""

    def span(number: int) -> Span:
        codes, rows = spans(number)
        now = renumbered(rows)
        order = np.argsort(now)[np.count_nonzero(now < 0) :]
        return codes[order], now[order]

    return span


def left(covered: int, renumbered: Renumbering) -> int:
    """Of so many rows, those that are not gone."""
    blocks = (np.arange(start, min(start + _ROWS, covered)) for start in range(0, covered, _ROWS))
    return sum(int(np.count_nonzero(renumbered(block) >= 0)) for block in blocks)
