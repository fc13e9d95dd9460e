"""A session: one library, one model loaded when first needed, and the settings both follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

from dinoscope.errors import DinoscopeError
from dinoscope.features import TELLING, Facet, Features, FloatArray, Pixels
from dinoscope.geometry import Mask, Size
from dinoscope.library import faces
from dinoscope.library.filters import Filter, parse_filter
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.models.backbone import Backbone
from dinoscope.operations.answers import Answer
from dinoscope.operations.progress import Progress
from dinoscope.operations.queries import AT_LEAST, PictureLike, at_least, decoded, on_original, opened
from dinoscope.operations.region_answers import RegionAnswer
from dinoscope.operations.regions import Example, search_region
from dinoscope.operations.searching import Query, Yardstick, search
from dinoscope.operations.selection import Part, Selection
from dinoscope.pictures.decoding import Decoded, decode
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import read_file
from dinoscope.settings import Settings

if TYPE_CHECKING:
    from dinoscope.operations.copying import Copies
    from dinoscope.operations.distances import Distances, Why
    from dinoscope.operations.explaining import Look
    from dinoscope.operations.mapping import Mapping
    from dinoscope.operations.matching import Matches
    from dinoscope.operations.remembering import Objects
    from dinoscope.operations.robustness import Lab

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
        self.settings = replace(settings, faces=faces.mode_of(settings.faces, library.folder))
        self._backbone = backbone
        self._loading = Lock()
        self._yardstick = Yardstick()
        self._objects: Objects | None = None

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

    def search_region(
        self,
        picture: Like,
        part: Part,
        *,
        k: int = 20,
        where: Where = None,
        also: float = 0.0,
        more: Sequence[Example] = (),
        less: Sequence[Example] = (),
        refine: bool | None = None,
        collapse: bool = False,
    ) -> RegionAnswer:
        """The pictures with a part like the selected one, and where it is in each.

        Args:
            picture: a path, bytes, an array, a PIL picture, or the id of a picture of this library, which
                is then left out of the answer.
            part: a Selection, a Box, a Mask or a point (x, y), in the picture's original pixels.
            k: hits wanted, 1 to 500.
            where: a filter such as ``"taken>=2021 and kind=jpeg"``.
            also: say of the whole pictures' likeness, from 0 to 1.
            more, less: places found before that are meant, too, or not at all.
            refine: look at the best hits again from near, about 0.1 s each. None does so for small parts.
            collapse: show files of equal bytes as one hit with its ``copies``.

        Raises:
            Unreadable, NotAPicture, NoSuchPicture, BadRequest.
            NoRegions: the library was indexed without the parts of its pictures.
        """
        started = perf_counter()
        asked, shown, content = self._asked(picture)
        return search_region(
            self.library,
            self.backbone,
            asked,
            replace(Selection.of(part), shown=shown),
            k=k,
            where=where if isinstance(where, Filter) else parse_filter(where),
            also=also,
            more=more,
            less=less,
            refine=refine,
            read=self._file,
            pixels=None if isinstance(picture, int) else lambda side: self._decoded(picture, side)[0],
            content=content,
            collapse=collapse,
            encode_seconds=0.0 if isinstance(picture, int) else perf_counter() - started,
        )

    def look(
        self,
        picture: Like,
        *,
        layer: int | None = None,
        facet: Facet = TELLING,
        patches: int | None = None,
    ) -> Look:
        """What the model sees in a picture: attention, colours of its parts, and what is like what.

        The first look into a layer and facet takes some seconds: its palette is fitted, and kept.

        Args:
            picture: a path, bytes, an array, a PIL picture, or the id of a picture of this library.
            layer: 1 to ``backbone.layers``; None: the last but one.
            facet: ``tokens``, ``keys``, ``queries`` or ``values``, which tell most.
            patches: most patches, 1 to 4096; None: as many as the model takes for the index.

        Raises:
            Unreadable, NotAPicture, NoSuchPicture, BadRequest.
        """
        from dinoscope.operations.explaining import Look, look_inside  # no part of a search
        from dinoscope.operations.palettes import palette_for

        pixels, size = self._decoded(self._source(picture), at_least(self.backbone, patches))
        inside = look_inside(self.backbone, pixels, size, layer=layer, facet=facet, patches=patches)
        palette = palette_for(self.backbone, inside.layer, facet, self.settings)
        return Look(inside, palette.paint(inside))

    def match(
        self,
        here: Like,
        there: Like,
        *,
        patches: int | None = None,
        mirrored: bool | None = None,
        links: int | None = None,
        geometry: bool = False,
    ) -> Matches:
        """The parts of one picture, found in another.

        Args:
            here, there: a path, bytes, an array, a PIL picture, or the id of a picture of this library.
            patches: how closely the model looks, 16 to 1024 patches a picture; None: 576.
            mirrored: exchange left and right, or not; None tries both, and says how sure it is.
            links: lines wanted at most; None: 24.
            geometry: also tell whether it is the very same thing from another side (extra ``geometry``).

        Raises:
            Unreadable, NotAPicture, NoSuchPicture, BadRequest, MissingExtra.
        """
        from dinoscope.operations.matching import LINKS  # no part of a search
        from dinoscope.operations.pairing import PATCHES, match_views, view_of

        asked, limits = PATCHES if patches is None else patches, Limits.of(self.settings)
        first, second = (view_of(self._source(one), self.backbone, limits, asked) for one in (here, there))
        return match_views(
            first,
            second,
            self.backbone,
            patches=asked,
            mirrored=mirrored,
            links=LINKS if links is None else links,
            geometry=geometry,
        )

    def distances(self, *pictures: Like) -> Distances:
        """How far 2 to 200 pictures lie apart, each from each, measured with the library's random pairs.

        Raises:
            Unreadable, NotAPicture, NoSuchPicture, BadRequest.
        """
        from dinoscope.operations.distances import distances  # no part of a search

        queries = [self._query(one) for one in pictures]
        return distances(self.library, self.backbone.identity.key, queries, self._yardstick)

    def why(self, here: Like, there: Like) -> Why:
        """Which patches carry the likeness of two pictures.

        Raises:
            Unreadable, NotAPicture, NoSuchPicture.
        """
        from dinoscope.operations.distances import why  # no part of a search

        return why(*(self.encode(self._source(one)) for one in (here, there)))

    def lab(self, picture: Like, *, seed: int = 0) -> Lab:
        """A picture to be edited until it is not found any more: ``trial``, ``curve``, ``weakest``.

        Args:
            picture: a path, bytes, an array, a PIL picture, or the id of a picture of this library.
            seed: draws the noise and the place that is covered.

        Raises:
            Unreadable, NotAPicture, NoSuchPicture, BadRequest.
        """
        from dinoscope.operations.robustness import Lab  # no part of a search

        pixels = self._pixels(self._source(picture))
        return Lab.of(self.backbone, pixels, seed).within(self.library, self._yardstick)

    def map(self, *, again: bool = False) -> Iterator[Mapping]:
        """Lay out the whole library, alike by alike; the last step has the ``map``.

        A map is kept with the library, and what is added later is placed on it; ``again`` makes it anew.

        Raises:
            NoSuchModel, BadRequest: nothing was indexed with this model.
        """
        from dinoscope.operations.mapping import lay_out  # no part of a search

        return lay_out(self.library, self.backbone.identity.key, again=again)

    @property
    def objects(self) -> Objects:
        """The things that were taught by name: ``remember``, ``where``, ``correct``, ``forget``."""
        if self._objects is None:
            from dinoscope.operations.remembering import Objects  # no part of a search

            self._objects = Objects(self)
        return self._objects

    def copies(self) -> Copies:
        """The library's copies: ``look``, ``report``, ``find``, ``mark``, ``trash``, ``undo``.

        Raises:
            LibraryReadOnly: what is known of copies cannot be kept beside the library.
        """
        from dinoscope.operations.copying import Copies  # no part of a search

        return Copies(self)

    def encode(self, picture: PictureLike) -> Features:
        """A picture as the model sees it: descriptor, patches and attention, its grid on the original."""
        pixels, size = self._decoded(picture)
        return on_original(self.backbone.encode([pixels])[0], size)

    def _asked(self, picture: Like) -> tuple[Features | int, Mask | None, str | None]:
        """What a part is marked on, what of it is not transparent (None: all of it), and its file's hash."""
        if isinstance(picture, int):
            known = self.library.picture(picture)
            loaded = None if known.kind == "jpeg" else self._loaded(known, AT_LEAST)
            return picture, None if loaded is None else loaded.shown, known.content
        seen = opened(picture, Limits.of(self.settings))
        return on_original(self.backbone.encode([seen.pixels])[0], seen.size), seen.shown, seen.content

    def _query(self, picture: Like) -> Query:
        if isinstance(picture, int):
            return int(picture)
        pixels = self._pixels(picture)  # first, for a wrong path is answered without waiting for the model
        vector: FloatArray = self.backbone.describe([pixels])[0]
        return vector

    def _source(self, picture: Like) -> PictureLike:
        if not isinstance(picture, int):
            return picture
        return self.library.original(self.library.picture(picture), Limits.of(self.settings))

    def _pixels(self, picture: PictureLike) -> Pixels:
        return self._decoded(picture)[0]

    def _decoded(self, picture: PictureLike, at_least: int = AT_LEAST) -> tuple[Pixels, Size]:
        """Pixels, maybe at a reduced scale, and the original's size."""
        return decoded(picture, Limits.of(self.settings), at_least)

    def _file(self, picture: Picture, at_least: int) -> Pixels | None:
        """A library picture's pixels; None when its file is gone or is not what it was when indexed."""
        loaded = self._loaded(picture, at_least)
        return None if loaded is None else loaded.pixels

    def _loaded(self, picture: Picture, at_least: int) -> Decoded | None:
        limits = Limits.of(self.settings)
        try:
            file = read_file(self.library.original(picture, limits), limits)
            if file.content != picture.content:
                return None
            return decode(file.data, limits, where=str(picture.path), at_least=at_least, trust="known")
        except DinoscopeError:
            return None
