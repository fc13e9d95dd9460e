"""All shards as one Library, to be read: whatever reads a library reads this one by the same names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, Self

from dinoscope.cluster import merging, paging
from dinoscope.cluster.asking import Asker, Kept, Shards
from dinoscope.cluster.borrowing import Borrowed
from dinoscope.cluster.manifest import Manifest, shard_folder
from dinoscope.cluster.numbering import by_shard, inner, renumbered, shard_of
from dinoscope.cluster.sharded_shelf import ShardedShelf
from dinoscope.engines.engine import Tick
from dinoscope.errors import LibraryReadOnly, NoSuchModel
from dinoscope.features import Basis, FloatArray
from dinoscope.library.filmbook import Videos
from dinoscope.library.filters import Filter
from dinoscope.library.library import Calibration, Library
from dinoscope.library.pages import Order
from dinoscope.library.records import (
    CompactReport,
    Facets,
    Finding,
    LibraryInfo,
    NewFile,
    NewRegions,
    Page,
    Picture,
    Stamp,
)
from dinoscope.models.backbone import ModelIdentity
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.refusal import Refusal


class ShardedLibrary(Library):
    """Answers with what its shards say. Writing is refused: ``dinoscope index --ray`` writes."""

    def __init__(
        self,
        root: Path,
        manifest: Manifest,
        shards: Shards,
        borrowed: Borrowed | None = None,
        *,
        asker: Asker | None = None,
        kept: Kept | None = None,
    ) -> None:
        """
        Args:
            borrowed: where originals that are elsewhere are kept for a while.
            asker: of one request, see ``asked``; None: every question is a request of its own.
            kept: shared by all requests.
        """
        self._folder = root
        self._manifest = manifest
        self._shards = shards
        self._borrowed = borrowed or Borrowed()
        self._request = asker
        self._kept = kept or Kept()

    # One request

    def asked(self) -> Self:
        return type(self)(
            self._folder,
            self._manifest,
            self._shards,
            self._borrowed,
            asker=Asker(self._shards, self._kept),
            kept=self._kept,
        )

    @property
    def note(self) -> str | None:
        return None if self._request is None else self._request.note

    @property
    def silent(self) -> int:
        return 0 if self._request is None else len(self._request.silent)

    @property
    def _asker(self) -> Asker:
        return self._request or Asker(self._shards, self._kept)

    def close(self) -> None:
        self._shards.close()
        self._borrowed.close()

    @property
    def read_only(self) -> bool:
        return True

    @property
    def videos(self) -> Videos:
        return Videos(None)

    @property
    def writable(self) -> bool:
        return False

    # What is there

    def info(self) -> LibraryInfo:
        asker = self._asker
        parts: list[LibraryInfo] = list(asker.all("info").values())
        return LibraryInfo(
            folder=self._folder,
            pictures=sum(one.pictures for one in parts),
            contents=sum(one.contents for one in parts),
            bytes=sum(one.bytes for one in parts),
            roots=tuple(sorted({root for one in parts for root in one.roots})),
            shelves=merging.shelves([one.shelves for one in parts]),
            refusals=sum(one.refusals for one in parts),
            read_only=True,
            note=asker.note,
        )

    def stamp(self, path: Path) -> Stamp | None:
        found = self.find(path)
        if found is None:
            return None
        return Stamp(found.content, found.bytes, round(found.modified_at.timestamp() * 1e6) * 1000)

    def stamps(
        self, model_key: str, *, regions: bool = False, fine: bool = False
    ) -> Iterator[tuple[str, Stamp, bool]]:
        self._refused()

    def under(self, root: Path) -> Iterator[tuple[int, Path]]:
        self._refused()

    def has(self, content: str, model_key: str, *, regions: bool = False, fine: bool = False) -> bool:
        return bool(self._asker.one(self._home(content), "has", content, model_key, regions, fine))

    def pictures(self, ids: Sequence[int]) -> list[Picture]:
        wanted: dict[int, list[int]] = {}
        for id in ids:
            number, shard = inner(id)
            if shard < self._shards.count:
                wanted.setdefault(shard, []).append(number)
        if len(wanted) == 1:  # its answer is all there is, so its silence is told
            shard, numbers = wanted.popitem()
            answers = {shard: self._asker.one(shard, "pictures", numbers)}
        else:
            answers = self._asker.each("pictures", {shard: [own] for shard, own in wanted.items()})
        found = {one.id: one for shard, own in answers.items() for one in renumbered(own, shard)}
        return [found[id] for id in ids if id in found]

    def pictures_of(
        self, contents: Sequence[str], where: Filter | None = None
    ) -> dict[str, tuple[Picture, ...]]:
        asker, text = self._asker, "" if where is None else where.text
        told = {content: asker.files[content, text] for content in contents if (content, text) in asker.files}
        wanted = by_shard([content for content in contents if content not in told], self._shards.count)
        answers = asker.each("pictures_of", {shard: (own, where) for shard, own in wanted.items()})
        asked = {
            content: tuple(renumbered(pictures, shard))
            for shard, found in answers.items()
            for content, pictures in found.items()
        }
        return asked | {content: pictures for content, pictures in told.items() if pictures}

    def twins(self) -> list[str]:
        return [content for found in self._all("twins").values() for content in found]

    def find(self, path: Path) -> Picture | None:
        for shard, found in self._all("find", path).items():
            if found is not None:
                return renumbered([found], shard)[0]
        return None

    def count(self, where: Filter | None = None) -> int:
        asker = self._asker
        if where is None and asker.pictures is not None:
            return asker.pictures
        return sum(asker.all("count", where).values())

    def page(
        self,
        where: Filter | None = None,
        after: str | None = None,
        limit: int = 100,
        order: Order = "added",
        descending: bool = False,
    ) -> Page:
        questions = paging.questions(
            self._shards.count, where, after, limit=limit, order=order, descending=descending
        )
        asker = self._asker
        answers: dict[int, Page] = asker.some("page", questions)
        parts = [
            replace(page, pictures=tuple(renumbered(page.pictures, shard))) for shard, page in answers.items()
        ]
        return replace(paging.merged(parts, limit, order, descending), note=asker.note)

    def facets(self, where: Filter | None = None) -> Facets:
        asker = self._asker
        return replace(merging.facets(list(asker.all("facets", where).values())), note=asker.note)

    def folders(self) -> dict[Path, int]:
        total: dict[Path, int] = {}
        for part in self._all("folders").values():
            for folder, count in part.items():
                total[folder] = total.get(folder, 0) + count
        return total

    def refusals(self) -> tuple[Refusal, ...]:
        """All that are remembered, by path."""
        found = [one for part in self._all("refusals").values() for one in part]
        return tuple(sorted(found, key=lambda one: one.path))

    def verify(self, *, every_vector: bool = True) -> Iterator[Finding]:
        """What each shard finds in itself."""
        for shard, found in self._all("verify", every_vector).items():
            name = shard_folder(self._folder, shard).name
            yield from (replace(one, what=f"{name}: {one.what}") for one in found)

    # Vectors

    def models(self) -> tuple[str, ...]:
        if not self._kept.models:
            found = dict.fromkeys(key for part in self._all("models").values() for key in part)
            self._kept.models = list(found)
        return tuple(self._kept.models)

    def shelf(self, model_key: str) -> ShardedShelf:
        unknown = NoSuchModel(
            f"the library {self._folder} has no vectors of the model {model_key}, only of "
            f"{self._manifest.model}: choose --model {self._manifest.name}"
        )
        return ShardedShelf(self._asker, model_key, unknown)

    def region_basis(self, model_key: str) -> Basis | None:
        for shard, state in self._all("tokens", model_key).items():
            if state is not None:
                found: Basis = self._asker.one(shard, "basis", model_key)
                return found
        return None

    def fine(self, model_key: str) -> bool:
        return any(one.fine for one in self._all("tokens", model_key).values() if one is not None)

    def calibration(self, model_key: str) -> dict[str, float | list[float]] | None:
        """None: whoever needs it samples all shards, as one library would be sampled."""
        return None

    # Files

    def thumbnail(self, content: str) -> bytes | None:
        found: bytes | None = Asker(self._shards).one(self._home(content), "thumbnail", content)
        return found

    def put_thumbnail(self, content: str, data: bytes) -> bool:
        return bool(Asker(self._shards).one(self._home(content), "put_thumbnail", content, data))

    def original(self, picture: Picture, limits: Limits) -> Path:
        number, shard = inner(picture.id)
        return self._borrowed.file(
            picture, lambda: Asker(self._shards).one(shard, "original", number, limits)
        )

    # Writing is Ray's

    def _refused(self) -> NoReturn:
        raise LibraryReadOnly(
            f"the library {self._folder} is in shards and cannot be changed from here: "
            "use dinoscope index --ray"
        )

    def commit(
        self,
        model: ModelIdentity,
        dimension: int,
        files: Sequence[NewFile],
        vectors: Mapping[str, FloatArray],
        regions: NewRegions | None = None,
    ) -> None:
        self._refused()

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        self._refused()

    def remove(self, where: Filter | None = None, ids: Sequence[int] = ()) -> int:
        self._refused()

    def prune(self, root: Path, seen: Collection[Path]) -> int:
        self._refused()

    def forgive(self, root: Path, still: Collection[Path]) -> None:
        self._refused()

    def set_calibration(self, model_key: str, numbers: Calibration) -> None:
        self._refused()

    def drop_model(self, model_key: str) -> None:
        self._refused()

    def drop_coarse(self, model_key: str) -> None:
        self._refused()

    def optimise(self, tick: Tick | None = None, engine: str = "auto") -> None:
        self._refused()

    def compact(self) -> CompactReport:
        self._refused()

    def _all(self, verb: str, *arguments: Any) -> dict[int, Any]:
        return self._asker.all(verb, *arguments)

    def _home(self, content: str) -> int:
        return shard_of(content, self._shards.count)
