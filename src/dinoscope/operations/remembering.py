"""Things with a name: taught from photos, asked for in pictures and in the library, corrected, forgotten.

What each step is made of: ``teaching`` (a photo to a view), ``whereabouts`` (a picture), ``recalling`` (the
library). Why it is done so, and how well: docs/decisions/022-remembering.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from dinoscope.errors import BadRequest, DinoscopeError, NoSuchObject
from dinoscope.features import Pixels
from dinoscope.geometry import Box
from dinoscope.library.filters import Filter, parse_filter
from dinoscope.library.objects import ObjectFiles, folded
from dinoscope.operations.bases import basis_of_model
from dinoscope.operations.imagining import imagined
from dinoscope.operations.memories import Kind, Memory, Remembered, checked_name, now
from dinoscope.operations.queries import PictureLike, opened
from dinoscope.operations.recalling import Recalled, recall
from dinoscope.operations.recognising import Cohort, Knower, cohort_of, known_share, knows
from dinoscope.operations.refining import Read
from dinoscope.operations.seeking import AT_LEAST, PHOTOS, Sought
from dinoscope.operations.selection import Part, Selection
from dinoscope.operations.teaching import Outline, Photo, memories_of, outlines_of
from dinoscope.operations.whereabouts import Looker, Sighting
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.refusal import Refusal
from dinoscope.pictures.walking import walk

if TYPE_CHECKING:
    from dinoscope.operations.in_videos import InVideos
    from dinoscope.operations.session import Like, Session

__all__ = ["AT_LEAST", "PHOTOS", "Looked", "Objects", "Taught"]

Shot: TypeAlias = "Like | Photo"  # a Photo is decoded already
Marked: TypeAlias = "tuple[Shot, Part | None]"


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """What came of teaching."""

    thing: Remembered
    notes: tuple[str, ...]  # sentences for a person: what does not look right


@dataclass(frozen=True, slots=True)
class Looked:
    """A picture that was looked at, or could not be."""

    path: Path
    sightings: tuple[Sighting, ...]
    refusal: str | None = None  # a sentence


class Objects:
    """The things a library remembers, for the session's model. Get it from ``Session.objects``."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._files = ObjectFiles(session.library.folder)
        self._lock = Lock()
        self._known: tuple[object, dict[str, Knower]] = (None, {})  # by the stamp of the files
        self._one: dict[tuple[Knower, Knower], bool] = {}  # are two names those of one thing?

    # What there is

    def all(self) -> list[Remembered]:
        """Every thing, by name; those that another model saw, too."""
        found = [Remembered.read(data, "an object of the library") for data in self._files.each()]
        return sorted(found, key=lambda thing: folded(thing.name))

    def get(self, name: str) -> Remembered:
        """Raises: NoSuchObject; BadRequest: it was taught with another model."""
        thing = self._kept(name)
        if thing.model != self._session.backbone.identity.key:
            raise BadRequest(
                f"{thing.name!r} was taught with the model {thing.model}: ask with that one, or teach again"
            )
        return thing

    # Teaching

    def remember(self, name: str, *photos: Marked, also: bool = False) -> Taught:
        """Learn a thing from one to five photos.

        Args:
            name: what it is called. Names that differ in case only are the same.
            photos: (picture, part) each; a part is a Selection, a Box, a Mask or a point (x, y) in the
                picture's pixels, or None, which proposes what stands out and is in the other photos, too.
            also: add to a thing that is known.

        Raises:
            BadRequest: no photo or too many, nothing in the marked place, a name that is taken.
            NoSuchObject: ``also``, and there is none of that name.
            Unreadable, NotAPicture, NoSuchPicture, LibraryReadOnly, DiskFull.
        """
        called = checked_name(name)
        if not 1 <= len(photos) <= PHOTOS:
            raise BadRequest(f"a thing is taught from 1 to {PHOTOS} photos at once, not {len(photos)}")
        known = self._files.get(called)
        if known is not None and not also:
            raise BadRequest(f"{called!r} is known already: add to it with --also, or forget it first")
        thing = self.get(called) if also else Remembered(called, self._key, now(), ())
        shots = [self._photo(picture) for picture, _ in photos]
        parts = [None if part is None else Selection.of(part) for _, part in photos]
        views = memories_of(self.looker, list(zip(shots, parts, strict=True)), self._cohort)
        made = self._changed(thing, views, new=not also)
        return Taught(made, tuple(self._doubts(made)))

    def correct(self, name: str, picture: Shot, box: Part, kind: Kind) -> Remembered:
        """Say of a place of a picture that it is the thing ("yes") or is not ("no").

        Raises: as ``remember``.
        """
        photo = self._photo(picture)
        views = memories_of(self.looker, [(photo, Selection.of(box))], self._cohort, kind=kind)
        return self._changed(self.get(name), views)

    def correct_sighting(self, name: str, picture: Shot, found: Sighting, kind: Kind) -> Remembered:
        """The same of what ``where`` has found, with its outline."""
        return self.correct(name, picture, found.mask_in_picture(), kind)

    def outlined(self, *photos: Marked) -> list[Outline]:
        """What ``remember`` would take for the thing in each photo; nothing is kept. Raises: as that."""
        if not 1 <= len(photos) <= PHOTOS:
            raise BadRequest(f"a thing is taught from 1 to {PHOTOS} photos at once, not {len(photos)}")
        marked = [(self._photo(one), None if part is None else Selection.of(part)) for one, part in photos]
        return outlines_of(self.looker, marked)

    def rename(self, name: str, new: str) -> Remembered:
        """Call a thing something else. Raises: NoSuchObject; BadRequest: the new name is taken."""
        called = checked_name(new)
        with self._files.changing():
            thing = self._kept(name)
            another = folded(called) != folded(thing.name)
            if another and self._files.get(called) is not None:
                raise BadRequest(f"{called!r} is known already: choose another name, or forget it first")
            made = replace(thing, name=called)
            self._files.put(called, made.written())
            if another:
                self._files.forget(thing.name)
        return made

    def drop(self, name: str, number: int) -> Remembered:
        """Take back one photo or correction: the view of that number. Raises: NoSuchObject, BadRequest."""
        with self._files.changing():
            thing = self._kept(name)
            if not 0 <= number < len(thing.views):
                raise BadRequest(f"{thing.name!r} has {len(thing.views)} views: name one from 0 on")
            made = thing.of_views(thing.views[:number] + thing.views[number + 1 :])
            if not made.shown:
                raise BadRequest(
                    f"that is the only photo of {thing.name!r}: teach it from another one first, or forget it"
                )
            self._files.put(made.name, made.written())
        return made

    def forget(self, name: str) -> None:
        """Delete a thing and all that was kept of it, its bytes overwritten. Raises: NoSuchObject."""
        with self._files.changing():
            if not self._files.forget(checked_name(name)):
                raise NoSuchObject(_unknown(name, [thing.name for thing in self.all()]))

    # Asking

    def where(self, name: str, picture: Shot, *, last: Sequence[Box] = ()) -> tuple[Sighting, ...]:
        """The places of a picture where the thing is, surest first; none: it is not there.

        Args:
            last: where it was a moment ago, in the picture before: if it is there still, nothing else is
                looked at.

        Raises:
            NoSuchObject, Unreadable, NotAPicture, NoSuchPicture, BadRequest.
        """
        knower = self._knower(name)
        photo = self._photo(picture)
        what = photo.pixels, photo.size, knower
        rivals = self._rivals(knower)
        found = self.looker.again(*what, last=last, rivals=rivals) or self.looker.where(*what, rivals)
        return tuple(one.sighting(knower.thing.name) for one in found)

    def sought(self, name: str) -> Sought:
        """A thing, and what else was taught, for many pictures. Raises: NoSuchObject, BadRequest."""
        knower = self._knower(name)
        return Sought(self.looker, knower, tuple(self._rivals(knower)))

    def where_in_folder(self, name: str, folder: Path) -> Iterator[Looked]:
        """Every picture of a folder, one by one; what cannot be read is said and passed over.

        Raises:
            NoSuchObject, BadRequest, Unreadable: no such folder.
        """
        self._knower(name)
        for entry in walk(folder):
            if isinstance(entry, Refusal):
                yield Looked(entry.path, (), entry.sentence)
                continue
            try:
                yield Looked(entry, self.where(name, entry))
            except DinoscopeError as error:
                yield Looked(entry, (), str(error))

    def where_in_library(
        self,
        name: str,
        *,
        k: int = 20,
        look: bool = True,
        where: str | Sequence[str] | Filter | None = None,
        read: Read | None = None,
    ) -> Recalled:
        """The pictures of the library with the thing. The index names candidates, the best are looked at.

        Args:
            k: pictures wanted, 1 to 200; more are looked at, the more are wanted.
            look: at the best from near; else they are only named, in ``likely``, which takes no seconds.
            where: a filter such as ``"taken>=2021 and kind=jpeg"``.
            read: opens files of the library; None: in this process.

        Raises:
            NoSuchObject, BadRequest, NoSuchModel, NoRegions.
        """
        knower = self._knower(name)
        condition = where if isinstance(where, Filter) else parse_filter(where)
        return recall(
            self._session.library,
            self.looker,
            knower,
            self._rivals(knower),
            read=read or self._session._file,
            limits=Limits.of(self._session.settings),
            k=k,
            look=look,
            where=condition,
        )

    def pixels(self, picture: Like) -> Pixels:
        """A picture as it is looked at, maybe at a reduced scale. Raises as ``where``."""
        return self._photo(picture).pixels

    @property
    def in_videos(self) -> InVideos:
        """The same for videos: ``where``, ``remember``."""
        from dinoscope.operations.in_videos import InVideos  # no part of pictures

        return InVideos(self, Limits.of(self._session.settings))

    # Files

    def export(self, name: str) -> bytes:
        """One file that another library can import: small crops of the photos and what the model saw."""
        data = self._files.get(checked_name(name))
        if data is None:
            raise NoSuchObject(_unknown(name, [thing.name for thing in self.all()]))
        return data

    def import_(self, data: bytes, name: str | None = None) -> Remembered:
        """Take in an exported thing, under another name if wished.

        Raises:
            BadRequest: it is no such file, was seen by another model, or the name is taken.
        """
        thing = Remembered.read(data, "the file")
        thing = thing if name is None else replace(thing, name=checked_name(name))
        if thing.model != self._key:
            raise BadRequest(
                f"{thing.name!r} was taught with the model {thing.model}, and this library asks {self._key}: "
                "teach it again from its photos"
            )
        numbers = self.looker.basis.dimension
        if any(view.patches.shape[1] != numbers for view in thing.views):
            raise BadRequest(
                f"{thing.name!r} was exported by another Dinoscope: teach it again from its photos"
            )
        return self._changed(replace(thing, views=()), thing.views, new=True)

    # Inside

    @property
    def _key(self) -> str:
        return self._session.backbone.identity.key

    @cached_property
    def looker(self) -> Looker:
        """What looks at pictures for it."""
        backbone = self._session.backbone
        return Looker(backbone, basis_of_model(backbone, self._session.settings))

    @cached_property
    def _cohort(self) -> Cohort:
        return cohort_of(self._session.backbone, self.looker.basis, self._session.settings)

    def _photo(self, picture: Shot) -> Photo:
        if isinstance(picture, Photo):
            return picture
        source: PictureLike = self._session._source(picture)
        seen = opened(source, Limits.of(self._session.settings), AT_LEAST)
        name = Path(source).name if isinstance(source, (str, Path)) else "the picture"
        return Photo(name, seen.content or "", seen.pixels, seen.size, seen.shown)

    def _kept(self, name: str) -> Remembered:
        """Also what another model saw. Raises: NoSuchObject."""
        data = self._files.get(checked_name(name))
        if data is None:
            raise NoSuchObject(_unknown(name, [thing.name for thing in self.all()]))
        return Remembered.read(data, f"the object {name!r}")

    def _changed(self, thing: Remembered, views: Sequence[Memory], *, new: bool = False) -> Remembered:
        """Keep a thing with more views; another process may have changed it meanwhile."""
        with self._files.changing():
            data = self._files.get(thing.name)
            if new and data is not None:
                raise BadRequest(f"{thing.name!r} is known already: choose another name, or forget it first")
            if not new and data is None:
                raise NoSuchObject(f"{thing.name!r} was forgotten meanwhile")
            latest = thing if data is None else Remembered.read(data, f"the object {thing.name!r}")
            made = latest.with_views(views)
            if made.imagined is None:  # 1 CPU s, which a library need not wait for when it is asked
                scenes = imagined(self.looker, made.laid, Limits.of(self._session.settings))
                made = replace(made, imagined=scenes)
            self._files.put(made.name, made.written())
        return made

    def _knowers(self) -> dict[str, Knower]:
        """Every thing of this model by its folded name, made ready once."""
        with self._lock:
            stamp = self._files.stamp
            if self._known[0] != stamp:
                mine = [thing for thing in self.all() if thing.model == self._key]
                self._one = {}
                self._known = stamp, {folded(thing.name): Knower(thing) for thing in mine}
            return self._known[1]

    def _knower(self, name: str) -> Knower:
        found = self._knowers().get(folded(checked_name(name)))
        return Knower(self.get(name)) if found is None else found

    def _rivals(self, knower: Knower) -> list[Knower]:
        """The other things; not those that are this one by another name."""
        others = [
            other
            for other in self._knowers().values()
            if folded(other.thing.name) != folded(knower.thing.name)
        ]
        for other in others:
            if (knower, other) not in self._one:
                self._one[knower, other] = self._one[other, knower] = _twins(knower, other)
        return [other for other in others if not self._one[knower, other]]

    def _doubts(self, made: Remembered) -> Iterator[str]:
        """What a person may have done by mistake."""
        taught = [view for view in made.views if view.kind == "taught"]
        for view in taught:
            if len(taught) > 1 and not any(
                knows(Knower(_only(made, other)), view) or knows(Knower(_only(made, view)), other)
                for other in taught
                if other is not view
            ):
                yield (
                    f"{view.source} does not look like the other photos of {made.name!r}: is it the same "
                    "thing, from another side? If not, forget it and teach it again"
                )
        mine = Knower(made)
        for other in self._knowers().values():
            if folded(other.thing.name) != folded(made.name) and _twins(mine, other):
                yield (
                    f"{made.name!r} looks like {other.thing.name!r}, which you taught before: if they are "
                    "one thing, forget one of the names"
                )


def _only(thing: Remembered, view: Memory) -> Remembered:
    return Remembered(thing.name, thing.model, thing.created, (view,))


def _twins(one: Knower, other: Knower) -> bool:
    """Do two names stand for one thing: does either know the other's photos for its own?"""
    return known_share(one, other.thing) > 0.5 or known_share(other, one.thing) > 0.5


def _unknown(name: str, known: Sequence[str]) -> str:
    there = f"known are {', '.join(known[:10])}" if known else "nothing was taught yet"
    return f"there is no object called {name!r}: {there}"
