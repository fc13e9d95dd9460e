"""``dinoscope where``: a thing that was taught, found in pictures, folders or the library."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dinoscope.cli.in_videos import Stay, place_of, stays
from dinoscope.cli.options import (
    JsonOption,
    LibraryOption,
    ModelOption,
    OfflineOption,
    PrecisionOption,
    RuntimeOption,
    ThreadsOption,
    WhereOption,
    settings_of,
)
from dinoscope.cli.output import escaped, note, out, print_json, say, table
from dinoscope.cli.remembering import NameArgument, _session, corners
from dinoscope.errors import BadRequest, DinoscopeError

if TYPE_CHECKING:
    from dinoscope.operations.memories import Kind
    from dinoscope.operations.remembering import Objects
    from dinoscope.operations.session import Like, Session
    from dinoscope.operations.whereabouts import Sighting

PlacesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PICTURE|VIDEO|FOLDER]...", help="Where to look; left out: in the whole library."
    ),
]
YesOption = Annotated[
    list[int] | None,
    typer.Option("--yes", metavar="N", help="Sighting N is it: learn from it; repeatable."),
]
NoOption = Annotated[
    list[int] | None,
    typer.Option("--no", metavar="N", help="Sighting N is another thing: learn from it; repeatable."),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE.png", help="Draw the sightings, box and outline.")
]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A sighting with its number in the answer."""

    like: Like
    path: str
    sighting: Sighting
    stay: Stay | None = None  # in a video


def where(
    name: NameArgument,
    places: PlacesArgument = None,
    *,
    k: Annotated[int, typer.Option("-k", min=1, max=200, help="Pictures of the library wanted.")] = 20,
    yes: YesOption = None,
    no: NoOption = None,
    to: OutOption = None,
    condition: WhereOption = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    runtime: RuntimeOption = None,
    threads: ThreadsOption = None,
    offline: OfflineOption = False,
    json: JsonOption = False,
) -> None:
    """Where is a thing that was taught? Its place in pictures and videos, or "not here".

    dinoscope where "car keys" holiday.jpg kitchen.mp4 --out found.png
    """
    settings = settings_of(
        offline, library=library, model=model, precision=precision, runtime=runtime, threads=threads
    )
    if condition and places:
        raise BadRequest("--where chooses pictures of the library: leave it or the pictures away")
    if to is not None and to.suffix.lower() not in {".png", ".jpg", ".jpeg", ".webp"}:
        raise BadRequest(f"{to} is no picture to draw: end it in .png")
    with _session(settings) as session:
        told: list[str] = []

        def asked() -> list[Seen]:
            told.clear()
            if places:
                return list(_in_pictures(session.objects, name, places, told))
            return list(_in_library(session, name, k, condition, told))

        found = asked()
        if yes or no:
            _correct(session.objects, name, found, {"yes": yes or (), "no": no or ()})
            found = asked()
        if to is not None and found:
            from dinoscope.cli.sighting_drawing import draw

            draw(session, found, to)
            note(f"Drawn: {escaped(to)}")
    if json:
        print_json({"name": name, "sightings": [plain(one) for one in found], "notes": told})
    else:
        _show(found, told, name)


def plain(seen: Seen) -> dict[str, Any]:
    """For JSON; the mask is a PNG of the window, white on the thing."""
    one = seen.sighting
    return {
        "picture": seen.path,
        "id": seen.like if isinstance(seen.like, int) else None,
        "size": [one.picture.width, one.picture.height],
        "moment": None if seen.stay is None else asdict(seen.stay),
        "probability": round(one.probability, 4),
        "box": corners(one.box),
        "mask": {"window": corners(one.window), "png": base64.b64encode(mask_png(one)).decode()},
    }


def mask_png(one: Sighting) -> bytes:
    """The mask of a sighting's window."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(one.mask).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _in_pictures(objects: Objects, name: str, places: Sequence[str], told: list[str]) -> Iterator[Seen]:
    """Sightings of pictures and folders as they were named; what is not to be seen is told."""
    from dinoscope.cli.searching import named
    from dinoscope.pictures.films import is_video

    for text in places:
        like = named(text)
        if isinstance(like, Path) and is_video(like):
            yield from _in_video(objects, name, like, told)
            continue
        if isinstance(like, Path) and like.is_dir():
            count = 0
            for looked in objects.where_in_folder(name, like):
                count += looked.refusal is None
                if looked.refusal is not None and is_video(looked.path):
                    try:
                        yield from _in_video(objects, name, looked.path, told)
                    except DinoscopeError as error:  # as of a folder's pictures
                        told.append(str(error))
                elif looked.refusal is not None:
                    told.append(looked.refusal)
                yield from (Seen(looked.path, str(looked.path), one) for one in looked.sightings)
            told.append(f"{count} pictures of {text} were looked at")
            continue
        sightings = objects.where(name, like)
        if not sightings:
            told.append(f"{text}: not here")
        yield from (Seen(like, text, one) for one in sightings)


def _in_video(objects: Objects, name: str, video: Path, told: list[str]) -> Iterator[Seen]:
    """A sighting for each stay in its sight."""
    from dinoscope.pictures.moments import moment_path

    for stay, track in stays(objects, name, video, told):
        like = moment_path(video, track.best.second)
        yield Seen(like, str(video), track.best.sighting, stay)


def _in_library(
    session: Session, name: str, k: int, condition: list[str] | None, told: list[str]
) -> Iterator[Seen]:
    from dinoscope.operations.last_seen import last_seen

    objects, library = session.objects, session.library
    answer = objects.where_in_library(name, k=k, where=condition)
    told.append(answer.sentence.rstrip("."))
    if answer.missing:
        told.append(f"{answer.missing:,} pictures are not searched by parts yet: index their folders again")
    told.append(f"index {answer.index_seconds * 1000:.0f} ms, looking {answer.look_seconds:.1f} s")
    last = last_seen(library, [one.picture for one in answer.found])
    if last is not None:
        told.append(last.sentence)
    for one in answer.found:
        yield from (Seen(one.picture.id, place_of(one.picture), each) for each in one.sightings)


def _correct(objects: Objects, name: str, found: Sequence[Seen], said: dict[Kind, Sequence[int]]) -> None:
    """Learn from sightings by their numbers. Raises: BadRequest: there is no such number."""
    for kind, numbers in said.items():
        for number in numbers:
            if not 1 <= number <= len(found):
                raise BadRequest(f"there is no sighting {number}: {len(found)} were found")
            objects.correct_sighting(name, found[number - 1].like, found[number - 1].sighting, kind)
            note(f"Learnt from sighting {number}.")


def _show(found: Sequence[Seen], told: Sequence[str], name: str) -> None:
    if found:
        filmed = any(seen.stay is not None for seen in found)
        made = table("", "Sure", *(["When"] if filmed else []), "Box", "Picture", right=["", "Sure"])
        for number, seen in enumerate(found, 1):
            one = seen.sighting
            edges = ",".join(f"{round(edge)}" for edge in corners(one.box))
            when = ["" if seen.stay is None else seen.stay.text] if filmed else []
            made.add_row(str(number), f"{min(one.probability, 0.99):.0%}", *when, edges, escaped(seen.path))
        out().print(made)
    else:
        say(f"[yellow]{escaped(name)}: not here.[/]")
    for sentence in told:
        note(f"[dim]{escaped(sentence)}[/]")
