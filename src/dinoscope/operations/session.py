"""A session: one library, one model loaded when first needed, and the settings both follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from time import perf_counter
from types import TracebackType
from typing import Self, TypeAlias

from dinoscope.features import Features, FloatArray, Pixels
from dinoscope.library.filters import Filter, parse_filter
from dinoscope.library.library import Library
from dinoscope.models.backbone import Backbone
from dinoscope.operations.answers import Answer
from dinoscope.operations.progress import Progress
from dinoscope.operations.queries import PictureLike, pixels_of
from dinoscope.operations.searching import Query, Yardstick, search
from dinoscope.pictures.limits import Limits
from dinoscope.settings import Settings

Where: TypeAlias = str | Sequence[str] | Filter | None
Like: TypeAlias = "PictureLike | int"  # an int is the id of a picture of the library


class Session:
    """What ``dinoscope.open`` returns. A context manager; safe to search from several threads.

    >>> with dinoscope.open(write=True) as session:
    ...     for progress in session.index("~/Pictures"):
    ...         print(progress.done, "of", progress.found)
    ...     answer = session.search("holiday.jpg", k=5)
    """

    def __init__(self, library: Library, settings: Settings, backbone: Backbone | None = None) -> None:
        self.library = library
        self.settings = settings
        self._backbone = backbone
        self._loading = Lock()
        self._yardstick = Yardstick()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the library; a session cannot be used afterwards."""
        self.library.close()

    @property
    def backbone(self) -> Backbone:
        """The model of the settings, loaded on first use (0.1-1 s) and kept.

        Raises:
            NoSuchModel, WeightsUnavailable, WeightsRefused, MissingExtra.
        """
        with self._loading:
            if self._backbone is None:
                from dinoscope.models.loading import load_backbone  # costs the runtime's import

                self._backbone = load_backbone(self.settings)
            return self._backbone

    def index(
        self, *folders: Path | str, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[Progress]:
        """Bring the library in step with the folders; see ``operations.indexing.index_folders``.

        Nothing happens until the progress is iterated. The session must be opened with ``write=True``.
        """
        from dinoscope.operations.indexing import index_folders  # its workers are no part of a search

        return index_folders(folders, self.library, self.backbone, self.settings, cancelled=cancelled)

    def search(
        self,
        *like: Like,
        unlike: Sequence[Like] = (),
        k: int = 20,
        where: Where = None,
        collapse: bool = False,
    ) -> Answer:
        """The pictures most similar to all of ``like`` and not to ``unlike``.

        Args:
            like, unlike: paths, bytes, arrays, PIL pictures, or ids of pictures of this library. Those
                named by id are left out of the answer.
            k: hits wanted, at least 1.
            where: a filter such as ``"taken>=2021 and kind=jpeg"``.
            collapse: show files of equal bytes as one hit with its ``copies``.

        Raises:
            Unreadable, NotAPicture, NoSuchPicture, BadRequest.
        """
        started = perf_counter()
        likes = [self._query(picture) for picture in like]
        unlikes = [self._query(picture) for picture in unlike]
        encoded = any(not isinstance(query, int) for query in (*likes, *unlikes))
        return self.answer(
            likes,
            unlikes,
            k=k,
            where=where if isinstance(where, Filter) else parse_filter(where),
            collapse=collapse,
            encode_seconds=perf_counter() - started if encoded else 0.0,
        )

    def answer(
        self,
        like: Sequence[Query],
        unlike: Sequence[Query] = (),
        *,
        k: int = 20,
        where: Filter | None = None,
        collapse: bool = False,
        encode_seconds: float = 0.0,
    ) -> Answer:
        """``search`` for a caller that has the vectors: (D,) unit vectors of this model, or ids."""
        return search(
            self.library,
            self.backbone,
            like=like,
            unlike=unlike,
            k=k,
            where=where,
            collapse=collapse,
            encode_seconds=encode_seconds,
            yardstick=self._yardstick,
        )

    def search_like(self, picture_id: int, *, k: int = 20, where: Where = None) -> Answer:
        """Pictures similar to one of the library; it costs no encoding."""
        return self.search(picture_id, k=k, where=where)

    def encode(self, picture: PictureLike) -> Features:
        """A picture as the model sees it: descriptor, patches and attention."""
        return self.backbone.encode([self._pixels(picture)])[0]

    def _query(self, picture: Like) -> Query:
        if isinstance(picture, int):
            return int(picture)
        pixels = self._pixels(picture)  # first, for a wrong path is answered without waiting for the model
        vector: FloatArray = self.backbone.describe([pixels])[0]
        return vector

    def _pixels(self, picture: PictureLike) -> Pixels:
        return pixels_of(picture, Limits.of(self.settings))
