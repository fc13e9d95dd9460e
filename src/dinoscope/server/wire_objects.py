"""Things with a name, as JSON. Coordinates are (x, y) in a picture's original pixels."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from dinoscope.features import Pixels
from dinoscope.geometry import Bools, Box
from dinoscope.operations import memories, recalling, teaching, whereabouts
from dinoscope.operations.last_seen import LastSeen as Latest
from dinoscope.operations.remembering import PHOTOS, Taught
from dinoscope.server.wire import CameraTime, Picture, Wire, shown
from dinoscope.server.wire_regions import Marks, Name, Rectangle

PALE = 64  # of 255: how opaque what is around a thing is

Called = Annotated[str, Field(min_length=1, max_length=2 * memories.LONGEST)]


class Photo(Marks):
    """A photo with a thing; with no mark what stands out is proposed."""

    picture: Name


class Teach(Wire):
    name: Called
    photos: list[Photo] = Field(min_length=1, max_length=PHOTOS)
    also: bool = False  # add to a thing that is known


class Show(Wire):
    photos: list[Photo] = Field(min_length=1, max_length=PHOTOS)


class Rename(Wire):
    name: Called
    new: Called


class Ask(Wire):
    name: Called
    picture: Name | None = None  # null: the whole library


class Correct(Wire):
    name: Called
    picture: Name
    box: Rectangle
    kind: Literal["yes", "no"]  # it is the thing; it is another one


class View(Wire):
    kind: Literal["taught", "yes", "no"]
    source: str  # the photo's name
    picture: list[int]  # its width and height
    box: list[float]  # of the thing in it


class Object(Wire):
    name: str
    model: str  # key of the identity that saw it: others cannot ask for it
    created: str
    views: list[View]

    @classmethod
    def of(cls, thing: memories.Remembered) -> Self:
        return cls(
            name=thing.name,
            model=thing.model,
            created=thing.created,
            views=[
                View(
                    kind=view.kind,
                    source=shown(view.source),
                    picture=[view.picture.width, view.picture.height],
                    box=_corners(view.box),
                )
                for view in thing.views
            ],
        )


class Learnt(Wire):
    object: Object
    notes: list[str]  # sentences: what does not look right

    @classmethod
    def of(cls, taught: Taught) -> Self:
        return cls(object=Object.of(taught.thing), notes=[shown(note) for note in taught.notes])


class Outline(Wire):
    """A thing in a photo, as it would be remembered."""

    box: list[float]
    window: list[float]  # what the mask covers
    mask: str  # as of a sighting

    @classmethod
    def of(cls, one: teaching.Outline) -> Self:
        return cls(box=_corners(one.box), window=_corners(one.window), mask=_packed(one.mask))


class Sighting(Wire):
    probability: float  # that it is this very thing, 0.5 to 1
    box: list[float]
    window: list[float]  # what the mask covers
    mask: str  # base64 of a PNG of the window, white on the thing

    @classmethod
    def of(cls, one: whereabouts.Sighting) -> Self:
        return cls(
            probability=one.probability,
            box=_corners(one.box),
            window=_corners(one.window),
            mask=_packed(one.mask),
        )


class Seen(Wire):
    """A picture with the thing."""

    picture: Picture
    sightings: list[Sighting]  # surest first, at least one
    copies: list[Picture]


class LastSeen(Wire):
    """The latest picture with the thing that says when it was taken."""

    picture: int
    at: CameraTime
    clock: Literal["camera", "container", "file"]  # who says so
    sentence: str

    @classmethod
    def of(cls, one: Latest | None) -> Self | None:
        if one is None:
            return None
        return cls(picture=one.picture.id, at=one.at, clock=one.by, sentence=shown(one.sentence))


class Whereabouts(Wire):
    """Of one picture ``sightings`` are given, of the library ``found``. Both empty: it is not there."""

    name: str
    sentence: str
    sightings: list[Sighting]
    found: list[Seen]  # surest first
    likely: list[Picture]  # of the library, not looked at from near, likeliest first
    searched: int  # pictures
    looked_at: int  # of them from near
    missing: int  # pictures whose parts are not known yet
    index_seconds: float
    look_seconds: float
    last_seen: LastSeen | None  # of the library

    @classmethod
    def in_picture(cls, name: str, found: tuple[whereabouts.Sighting, ...], seconds: float) -> Self:
        """Of one picture."""
        places = "1 place" if len(found) == 1 else f"{len(found)} places"
        return cls(
            name=name,
            sentence=f"{name} is in {places}." if found else f"{name} is not here.",
            sightings=[Sighting.of(one) for one in found],
            found=[],
            likely=[],
            searched=1,
            looked_at=1,
            missing=0,
            index_seconds=0.0,
            look_seconds=seconds,
            last_seen=None,
        )

    @classmethod
    def in_library(cls, answer: recalling.Recalled, last: Latest | None) -> Self:
        """Of the library."""
        return cls(
            name=answer.name,
            sentence=answer.sentence,
            sightings=[],
            found=[
                Seen(
                    picture=Picture.of(one.picture),
                    sightings=[Sighting.of(each) for each in one.sightings],
                    copies=[Picture.of(copy) for copy in one.copies],
                )
                for one in answer.found
            ],
            likely=[Picture.of(one) for one in answer.likely],
            searched=answer.searched,
            looked_at=answer.looked_at,
            missing=answer.missing,
            index_seconds=answer.index_seconds,
            look_seconds=answer.look_seconds,
            last_seen=LastSeen.of(last),
        )


def _corners(box: Box) -> list[float]:
    return [round(float(edge), 2) for edge in (box.left, box.top, box.right, box.bottom)]


def cut_out(pixels: Pixels, mask: Bools) -> bytes:
    """WebP of a view: what is around the thing is nearly transparent."""
    from PIL import Image

    buffer = BytesIO()
    seen = np.dstack([pixels, np.where(mask, 255, PALE).astype(np.uint8)])
    Image.fromarray(seen).save(buffer, "WEBP", quality=85, alpha_quality=100)
    return buffer.getvalue()


def _packed(mask: Bools) -> str:
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(mask).save(buffer, "PNG", optimize=True)
    return b64encode(buffer.getvalue()).decode()
