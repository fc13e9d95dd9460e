"""Copies in a session: one door for the shell, the server and Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dinoscope.errors import BadRequest
from dinoscope.features import Pixels
from dinoscope.geometry import Size
from dinoscope.library.copybook import FILE, CopyBook, ordered
from dinoscope.library.library import Library
from dinoscope.library.trash import Moved, Trash
from dinoscope.operations.copies import METHOD, CopyFinder, CopyProgress
from dinoscope.operations.copy_answers import CopyAnswer, CopyReport
from dinoscope.operations.copy_groups import COPY, SIMILAR, report_of
from dinoscope.operations.copy_index import stills
from dinoscope.operations.copy_query import copies_of
from dinoscope.operations.queries import Opened, opened
from dinoscope.pictures.limits import Limits

if TYPE_CHECKING:
    from dinoscope.operations.session import Like, Session


@dataclass(frozen=True, slots=True)
class Coverage:
    """Distinct pictures of a library."""

    checked: int  # compared with all others
    unchecked: int


class Copies:
    """Get one from ``Session.copies``. A context manager; safe to use from several threads.

    >>> with session.copies() as copies:
    ...     for progress in copies.look():
    ...         print(progress.stage, progress.done, "of", progress.total)
    ...     report = copies.report(at_least=0.9)
    """

    def __init__(self, session: Session) -> None:
        """Opens what is known of copies, and makes it where there is nothing yet.

        Raises:
            LibraryReadOnly: it cannot be written there.
        """
        self._session = session
        self._guard = RLock()
        self._finder: CopyFinder | None = None
        self._state = -1  # generation of the library that the finder has read
        self._limits = Limits.of(session.settings)
        self._book = CopyBook(session.library.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._book.close()

    @property
    def method(self) -> str:
        """What pairs are kept under: those of another model or method are others."""
        return f"{METHOD} {self._session.backbone.identity.key}"

    def look(self, *, cancelled: Callable[[], bool] = lambda: False) -> Iterator[CopyProgress]:
        """Compare the pictures that were not compared yet with all others; keeps what it finds as it goes.

        Raises:
            NoSuchModel: there are pictures, but none was indexed with this model yet.
        """
        yield from self._current().look(cancelled)

    def fingerprint(self) -> Iterator[CopyProgress]:
        """Only the first step of ``look``: enough to ask for single pictures with all means."""
        yield from self._current().fingerprint()

    def find(self, picture: Like, *, at_least: float = COPY, thorough: bool = False) -> CopyAnswer:
        """What of the library is a copy of a picture, or the picture of it; and what is only like it.

        Args:
            picture: a path, bytes, an array, a PIL picture, or the id of a picture of this library.
            at_least: probability from which it counts as a copy, in [0, 1].
            thorough: look for pieces of it, too, where a copy was found at once.

        Raises:
            Unreadable, NotAPicture, NoSuchPicture, NoSuchModel, BadRequest.
        """
        checked_threshold(at_least)
        library = self._session.library
        if isinstance(picture, int):
            seen = opened(library.original(library.picture(picture), self._limits), self._limits)
        else:
            seen = opened(picture, self._limits)
        return self._asked(
            seen, exclude=picture if isinstance(picture, int) else None, at_least=at_least, thorough=thorough
        )

    def find_pixels(
        self,
        pixels: Pixels,
        size: Size,
        content: str | None = None,
        *,
        at_least: float = COPY,
        thorough: bool = False,
        quick: bool = False,
        exclude: int | None = None,
    ) -> CopyAnswer:
        """``find`` for a picture that somebody has decoded already.

        Args:
            size, content: of the original, and its file's hash, by which equal files are found.
            quick: look with the picture itself only, not with views of it.
            exclude: the id of the picture, which is not to be answered.
        """
        checked_threshold(at_least)
        seen = Opened(pixels, size, None, content)
        return self._asked(seen, at_least=at_least, thorough=thorough, quick=quick, exclude=exclude)

    def _asked(
        self,
        seen: Opened,
        *,
        at_least: float,
        thorough: bool,
        quick: bool = False,
        exclude: int | None = None,
    ) -> CopyAnswer:
        session = self._session
        return copies_of(
            self._current(),
            session.backbone,
            session.library.region_basis(session.backbone.identity.key),
            seen.pixels,
            seen.size,
            content=seen.content,
            at_least=at_least,
            thorough=thorough,
            quick=quick,
            exclude=exclude,
        )

    def report(
        self, *, at_least: float = COPY, similar: float = SIMILAR, only: Iterable[int] | None = None
    ) -> CopyReport:
        """What is known, grouped at a threshold; looks at no picture, so any threshold is quick.

        Args:
            at_least: probability from which two pictures count as copies, in [0, 1].
            similar: the same for pairs that are only alike.
            only: ids; groups and pairs without any of these pictures are left out.
        """
        checked_threshold(at_least)
        checked_threshold(similar)
        library = self._session.library
        contents = None if only is None else [one.content for one in library.pictures(list(only))]
        return report_of(
            library,
            self._book,
            self.method,
            twins=library.twins(),
            at_least=at_least,
            similar=similar,
            only=contents,
        )

    def mark(self, here: int, there: int, *, copies: bool = False) -> None:
        """Remember that two pictures of the library are no copies; ``copies`` takes it back.

        Raises:
            NoSuchPicture, BadRequest: they are the same file twice.
        """
        one, other = (self._session.library.picture(id).content for id in (here, there))
        if one == other:
            raise BadRequest(f"pictures {here} and {there} are files of equal bytes: nothing can be marked")
        self._book.mark([ordered(one, other)], copies=copies)

    def trash(self, ids: Sequence[int], library: Library | None = None) -> Moved:
        """Move files of the library into its own trash; ``undo`` brings them back. Nothing is deleted.

        Args:
            library: the same one, open for writing; None: the session's is.

        Raises:
            NoSuchPicture, LibraryReadOnly.
        """
        pictures = [self._session.library.picture(id) for id in dict.fromkeys(ids)]
        return Trash(library or self._session.library, self._book, self._limits).move(pictures)

    def undo(self, batch: int | None = None, library: Library | None = None) -> Moved:
        """Bring back what was moved last, or in that batch. Raises: LibraryReadOnly."""
        return Trash(library or self._session.library, self._book, self._limits).undo(batch)

    def held(self) -> list[tuple[int, Path]]:
        """(batch, where it was) of what lies in the trash, the latest first. Needs no writer."""
        return self._book.held()

    def coverage(self) -> Coverage:
        """How many of the library's distinct pictures were compared with all others."""
        contents = stills(self._session.library)
        checked = min(self._book.checked_count(self.method), contents)
        return Coverage(checked, contents - checked)

    def generation(self) -> int:
        """The number of the library's committed state."""
        with self._session.library.shelf(self._session.backbone.identity.key).vectors() as view:
            return view.generation

    def unchecked(self) -> set[int]:
        """Ids of pictures that were not compared with all others yet, of equal files the oldest."""
        known = self._book.checked(self.method)
        whole = self._current().whole
        pairs = zip(whole.contents, whole.pictures, strict=True)
        return {id for content, id in pairs if content not in known}

    def again(self) -> None:
        """Forget all pairs, so that they are looked for anew; marks stay."""
        self._book.forget(self.method)

    def _current(self) -> CopyFinder:
        """The library's descriptors, read anew when it has changed."""
        key = self._session.backbone.identity.key
        with self._guard:
            library = self._session.library
            state = self.generation()
            if self._finder is None or self._state != state:
                self._finder = CopyFinder(library, self._book, key, self._limits)
                self._state = state
            return self._finder


def looked_for(library: Library) -> bool:
    """Has anybody looked for copies in this library?"""
    return (library.folder / FILE).is_file()


def checked_threshold(share: float) -> None:
    """Raises: BadRequest for what is no probability."""
    if not 0 <= share <= 1:
        raise BadRequest(f"{share} is no probability: choose 0 to 1")
