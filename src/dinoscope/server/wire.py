"""What goes over the wire as JSON: the same names as in the library, paths as text, times as ISO 8601."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from dinoscope.library import records
from dinoscope.models.backbone import ModelIdentity
from dinoscope.operations import answers, progress
from dinoscope.pictures.refusal import Refusal as LibraryRefusal

# Most cameras tell no time zone, and JSON Schema's date-time must have one.
CameraTime = Annotated[
    datetime, WithJsonSchema({"type": "string", "description": "ISO 8601, by the camera's clock"})
]


def shown(text: Path | str) -> str:
    """Text that JSON can carry: bytes of a file name that are not UTF-8 become U+FFFD."""
    return str(text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class Wire(BaseModel):
    """Strict both ways: ``true`` is no number, and an unknown key is an error rather than ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Problem(Wire):
    """RFC 9457. ``detail`` is a sentence for a person: what happened, where, what to do now."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


class Model(Wire):
    key: str  # names the identity: vectors of different keys are never compared
    name: str
    title: str
    dimension: int
    precision: str

    @classmethod
    def of(cls, identity: ModelIdentity, title: str, dimension: int) -> Self:
        return cls(
            key=identity.key,
            name=shown(identity.name),
            title=shown(title),
            dimension=dimension,
            precision=identity.precision,
        )


class Shelf(Wire):
    key: str
    name: str
    dimension: int
    vectors: int
    dead: int
    engine: str
    regions: int  # of these vectors' contents, those whose parts can be searched for
    region_engine: str | None
    fine: bool  # were the regions made of tiles?
    vector_bytes: int
    region_bytes: int
    engine_bytes: int
    bytes: int  # of all three


class Library(Wire):
    folder: str
    pictures: int
    contents: int
    bytes: int
    refusals: int
    read_only: bool  # True when this server cannot add or forget pictures
    roots: list[str]
    shelves: list[Shelf]
    note: str | None  # a sentence when something is missing

    @classmethod
    def of(cls, info: records.LibraryInfo, read_only: bool) -> Self:
        return cls(
            folder=shown(info.folder),
            pictures=info.pictures,
            contents=info.contents,
            bytes=info.bytes,
            refusals=info.refusals,
            read_only=read_only,
            roots=[shown(root) for root in info.roots],
            shelves=[Shelf(**dataclasses.asdict(shelf)) for shelf in info.shelves],
            note=info.note,
        )


class UploadLimits(Wire):
    max_bytes: int
    max_pixels: int


class About(Wire):
    version: str
    model: Model
    library: Library
    limits: UploadLimits
    auth: bool  # is a token asked for?
    faces: Literal["block", "blur", "drop-patches", "allow"]  # what is done with pictures of people


class Moment(Wire):
    """Of which video a picture is a frame, and where in it."""

    video: int
    name: str
    second: float

    @classmethod
    def of(cls, picture: records.Picture) -> Self | None:
        moment = picture.moment
        if moment is None:
            return None
        return cls(video=moment.video, name=shown(picture.path.parent.name), second=moment.second)


class Picture(Wire):
    id: int
    path: str
    name: str
    folder: str
    content: str  # hash of the bytes: equal ones are copies
    kind: str
    width: int  # pixels, upright
    height: int
    bytes: int
    modified_at: datetime
    added_at: datetime
    taken_at: CameraTime | None
    camera: str | None
    lens: str | None
    latitude: float | None
    longitude: float | None
    moment: Moment | None  # of a frame of a video

    @classmethod
    def of(cls, picture: records.Picture) -> Self:
        return cls(**_fields(picture))


class PictureDetails(Picture):
    copies: list[Picture]  # the other files with the same bytes

    @classmethod
    def with_copies(cls, picture: records.Picture, copies: Iterable[records.Picture]) -> Self:
        return cls(**_fields(picture), copies=[Picture.of(copy) for copy in copies])


def _fields(picture: records.Picture) -> dict[str, Any]:
    metadata = picture.metadata
    return {
        "id": picture.id,
        "path": shown(picture.path),
        "name": shown(picture.name),
        "folder": shown(picture.path.parent if picture.moment is None else picture.path.parent.parent),
        "content": picture.content,
        "kind": picture.kind,
        "width": picture.size.width,
        "height": picture.size.height,
        "bytes": picture.bytes,
        "modified_at": picture.modified_at,
        "added_at": picture.added_at,
        "taken_at": metadata.taken_at,
        "camera": metadata.camera and shown(metadata.camera),
        "lens": metadata.lens and shown(metadata.lens),
        "latitude": metadata.latitude,
        "longitude": metadata.longitude,
        "moment": Moment.of(picture),
    }


class Listing(Wire):
    pictures: list[Picture]
    total: int  # of all pages together
    next: str | None  # give it as ``after``; null at the end
    note: str | None  # a sentence when something is missing

    @classmethod
    def of(cls, page: records.Page) -> Self:
        pictures = [Picture.of(one) for one in page.pictures]
        return cls(pictures=pictures, total=page.total, next=page.next, note=page.note)


class FacetValue(Wire):
    value: str
    count: int


class Facets(Wire):
    kinds: list[FacetValue]
    cameras: list[FacetValue]
    years: list[FacetValue]
    folders: list[FacetValue]
    note: str | None  # a sentence when something is missing

    @classmethod
    def of(cls, facets: records.Facets) -> Self:
        return cls(
            kinds=_counted(facets.kinds),
            cameras=_counted(facets.cameras),
            years=_counted(facets.years),
            folders=_counted(facets.folders),
            note=facets.note,
        )


def _counted(values: records.Counted) -> list[FacetValue]:
    return [FacetValue(value=shown(value), count=count) for value, count in values]


class Uploaded(Wire):
    query: str  # give it as ``like`` or ``unlike``; forgotten when the server ends
    width: int
    height: int
    kind: str


class Hit(Wire):
    picture: Picture
    score: float  # cosine similarity, -1 to 1
    percentile: float  # share of random pairs of the library that are less alike, 0 to 100
    copies: list[Picture]

    @classmethod
    def of(cls, hit: answers.Hit) -> Self:
        return cls(
            picture=Picture.of(hit.picture),
            score=hit.score,
            percentile=hit.percentile,
            copies=[Picture.of(copy) for copy in hit.copies],
        )


class Verdict(Wire):
    found: bool  # false: nothing here is more like the query than chance would give
    chance: float  # probability that unrelated pictures give so good a best hit, 0 to 1
    sentence: str


class Answer(Wire):
    hits: list[Hit]  # best first
    verdict: Verdict
    model: str
    engine: str
    searched: int  # pictures that passed the filter
    seconds: float
    encode_seconds: float
    silent: int  # shards that did not answer, whose pictures are missing; 0: the answer is whole
    note: str | None  # a sentence when something is missing
    next_offset: int | None  # null: there are no more

    @classmethod
    def of(cls, answer: answers.Answer, offset: int, k: int) -> Self:
        """The hits from ``offset`` on, ``k`` of them; the answer holds one more when there is one."""
        more = len(answer.hits) > offset + k
        return cls(
            hits=[Hit.of(hit) for hit in answer.hits[offset : offset + k]],
            verdict=Verdict(**dataclasses.asdict(answer.verdict)),
            model=answer.model,
            engine=answer.engine,
            searched=answer.searched,
            seconds=answer.seconds,
            encode_seconds=answer.encode_seconds,
            silent=answer.silent,
            note=answer.note,
            next_offset=offset + k if more else None,
        )


class Refusal(Wire):
    path: str
    sentence: str

    @classmethod
    def of(cls, refusal: LibraryRefusal) -> Self:
        return cls(path=shown(refusal.path), sentence=shown(refusal.sentence))


class Refusals(Wire):
    refusals: list[Refusal]


class Progress(Wire):
    found: int  # files met so far
    walking: bool  # ``found`` still grows
    added: int
    known: int
    completed: int  # of the known, those that got the parts they lacked
    removed: int
    refused: int
    done: int
    seconds: float
    finished: bool

    @classmethod
    def of(cls, now: progress.Progress) -> Self:
        names = cls.model_fields
        return cls(**{name: getattr(now, name) for name in names})


JobState = Literal["running", "done", "cancelled", "failed"]


class Job(Wire):
    id: str
    kind: Literal["index"]
    state: JobState
    folders: list[str]
    progress: Progress | None  # null before the first file
    error: str | None  # a sentence, when ``state`` is "failed"
    started_at: datetime
    ended_at: datetime | None
    refusals: list[Refusal]  # the last 200


class Jobs(Wire):
    jobs: list[Job]  # the latest first


class NewJob(Wire):
    kind: Literal["index"]
    folders: Annotated[list[str], Field(min_length=1, max_length=100)]  # absolute, or from ~


class Card(Wire):
    name: str
    title: str
    family: str
    licence: str
    gated: bool  # the hub asks for an account that was given access
    bytes: int
    available: bool  # on this machine
    current: bool
    own: bool  # trained here


class Models(Wire):
    models: list[Card]


class Folder(Wire):
    name: str
    path: str


class FolderListing(Wire):
    path: str
    parent: str | None
    folders: list[Folder]


class Login(Wire):
    token: Annotated[str, Field(max_length=1000)]
