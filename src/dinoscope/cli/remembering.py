"""``dinoscope remember``, ``where``, ``objects`` and ``forget``: things with a name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dinoscope.cli.options import (
    JsonOption,
    LibraryOption,
    ModelOption,
    OfflineOption,
    PrecisionOption,
    RuntimeOption,
    ThreadsOption,
    settings_of,
)
from dinoscope.cli.output import escaped, note, out, plural, print_json, say, table
from dinoscope.errors import BadRequest

if TYPE_CHECKING:
    from dinoscope.operations.memories import Remembered
    from dinoscope.operations.selection import Selection
    from dinoscope.operations.session import Like, Session

PANEL = "What the thing is, in the picture at the same place of the list (- proposes it)"
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the thing is called.")]
PicturesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PICTURE]...", help="1 to 5 photos: files, or id:12 for one of the library."),
]
VideoOption = Annotated[
    Path | None,
    typer.Option("--video", metavar="FILE", help="Some seconds of a video in the place of photos."),
]
FromOption = Annotated[
    float | None,
    typer.Option("--from", min=0, metavar="SECOND", help="Of the video: the frame that is marked; 0."),
]
ToOption = Annotated[
    float | None,
    typer.Option("--to", min=0, metavar="SECOND", help="Up to which it is followed; three seconds."),
]
BoxOption = Annotated[
    list[str] | None,
    typer.Option(
        "--box", metavar="L,T,R,B", help="A box around it, in pixels or percent.", rich_help_panel=PANEL
    ),
]
PointOption = Annotated[
    list[str] | None,
    typer.Option("--point", metavar="X,Y", help="A point on it.", rich_help_panel=PANEL),
]
PolygonOption = Annotated[
    list[str] | None,
    typer.Option(
        "--polygon", metavar="X,Y,...", help="Its outline, three corners or more.", rich_help_panel=PANEL
    ),
]
MaskOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mask", metavar="FILE", help="A picture that is white on it, else black.", rich_help_panel=PANEL
    ),
]


def remember(
    name: NameArgument,
    pictures: PicturesArgument = None,
    *,
    video: VideoOption = None,
    first: FromOption = None,
    last: ToOption = None,
    box: BoxOption = None,
    point: PointOption = None,
    polygon: PolygonOption = None,
    mask: MaskOption = None,
    also: Annotated[bool, typer.Option("--also", help="Add to a thing that is known.")] = False,
    library: LibraryOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    runtime: RuntimeOption = None,
    threads: ThreadsOption = None,
    offline: OfflineOption = False,
    json: JsonOption = False,
) -> None:
    """Teach a thing from one to five photos, or some seconds of video, and give it a name.

    dinoscope remember "car keys" desk.jpg sofa.jpg --box 120,80,260,200 --box 40,310,90,350
    dinoscope remember "car keys" --video desk.mp4 --from 3 --to 6 --box 120,80,260,200
    """
    from dinoscope.cli.searching import named
    from dinoscope.pictures.moments import moment_path

    settings = settings_of(
        offline, library=library, model=model, precision=precision, runtime=runtime, threads=threads
    )
    if bool(pictures) == bool(video) or (video is None and (first, last) != (None, None)):
        raise BadRequest("name photos, or one --video with --from and --to, to teach from")
    start = first or 0.0
    with _session(settings, make=True) as session:
        likes = [named(one) for one in pictures or ()] if video is None else [moment_path(video, start)]
        marks = _marks(session, likes, {"--box": box, "--point": point, "--polygon": polygon, "--mask": mask})
        if video is None:
            taught = session.objects.remember(name, *zip(likes, marks, strict=True), also=also)
        else:
            inside = session.objects.in_videos
            taught = inside.remember(name, video, marks[0], first=start, last=last, also=also)
    if json:
        print_json({**plain(taught.thing), "notes": taught.notes})
        return
    views = plural(len(taught.thing.views), "view")
    say(f"[green]{escaped(taught.thing.name)}[/] is remembered from {views}.")
    for view in taught.thing.views if video else taught.thing.views[-len(likes) :]:
        edges = ",".join(f"{round(edge)}" for edge in corners(view.box))
        say(f"  {escaped(view.source)}: {edges}")
    if None in marks:
        note("What was not marked is proposed: if that is not it, forget it and teach it again with --box.")
    for sentence in taught.notes:
        note(f"[yellow]{escaped(sentence)}.[/]")


def objects(
    *,
    export: Annotated[str | None, typer.Option(metavar="NAME", help="Write this one to --out.")] = None,
    to: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="The file of --export.")] = None,
    imported: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Take in an exported one.")
    ] = None,
    rename: Annotated[str | None, typer.Option(metavar="NAME", help="Call this one --as.")] = None,
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="The new name, or import under this one.")
    ] = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    json: JsonOption = False,
) -> None:
    """The things that are remembered; one of them as a file, or from one."""
    from dinoscope.cli.writing import writing

    if bool(export) != bool(to):
        raise BadRequest("--export and --out go together: name the thing and the file")
    if (rename and (imported or not name)) or (name and not rename and not imported):
        raise BadRequest("--as is the name for one thing: give either --rename with it, or --import")
    settings = settings_of(library=library, model=model)
    with _session(settings, make=imported is not None) as session:
        if imported is not None:
            thing = session.objects.import_(_bytes_of(imported), name)
            note(f"[green]{escaped(thing.name)}[/] is remembered now.")
        elif rename is not None and name is not None:
            thing = session.objects.rename(rename, name)
            note(f"It is [green]{escaped(thing.name)}[/] now.")
        if export is not None and to is not None:
            data = session.objects.export(export)
            with writing(to):
                to.write_bytes(data)
            note(f"Written: {escaped(to)}")
        found = session.objects.all()
    if json:
        print_json([plain(thing) for thing in found])
        return
    if not found:
        say("Nothing was taught yet: dinoscope remember NAME PICTURE --box L,T,R,B")
        return
    made = table("Name", "Views", "Taught from", "Since", right=["Views"])
    for thing in found:
        sources = ", ".join(dict.fromkeys(view.source for view in thing.shown))
        made.add_row(escaped(thing.name), str(len(thing.views)), escaped(sources), thing.created[:10])
    out().print(made)


def forget(
    name: NameArgument,
    *,
    view: Annotated[
        int | None, typer.Option(min=0, help="Only this photo or correction, counted from 0.")
    ] = None,
    library: LibraryOption = None,
) -> None:
    """Forget a thing, and all that was kept of it."""
    with _session(settings_of(library=library)) as session:
        if view is not None:
            left = session.objects.drop(name, view)
            say(f"{escaped(left.name)} is known from {plural(len(left.views), 'view')} now.")
            return
        session.objects.forget(name)
    say(f"{escaped(name)} is forgotten.")


def plain(thing: Remembered) -> dict[str, Any]:
    """For JSON."""
    return {
        "name": thing.name,
        "model": thing.model,
        "created": thing.created,
        "views": [
            {
                "kind": view.kind,
                "source": view.source,
                "box": corners(view.box),
                "picture": [view.picture.width, view.picture.height],
            }
            for view in thing.views
        ],
    }


def corners(box: Any) -> list[float]:
    """[left, top, right, bottom], to a tenth of a pixel."""
    return [round(float(edge), 1) for edge in (box.left, box.top, box.right, box.bottom)]


def _session(settings: Any, *, make: bool = False) -> Session:
    """The library to be read; what is remembered is written beside it."""
    from dinoscope.cluster.opening import opened
    from dinoscope.errors import NoLibrary
    from dinoscope.library.library import Library
    from dinoscope.operations.session import Session

    try:
        return Session(opened(settings.library), settings)
    except NoLibrary:
        if not make:
            raise
        Library.open(settings.library, write=True).close()
        return Session(opened(settings.library), settings)


def _bytes_of(path: Path) -> bytes:
    """An exported file. Raises: Unreadable; BadRequest: it is far too large to be one."""
    from dinoscope.errors import Unreadable
    from dinoscope.operations.memories import MOST_BYTES

    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadRequest(f"{path} is too large to be an exported object: name another file")
        return path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error.strerror}): check its name") from None


def _marks(
    session: Session, likes: Sequence[Like], options: dict[str, list[str] | None]
) -> list[Selection | None]:
    """What is marked on each picture: the first --box belongs to the first picture, and so on.

    Raises:
        BadRequest: more or fewer marks than pictures, where there are any.
    """
    found: list[Selection | None] = [None] * len(likes)
    for option, given in options.items():
        if not given:
            continue
        if len(likes) == 1:
            found[0] = _selection(session, likes[0], option, given, found[0])
            continue
        if len(given) != len(likes):
            raise BadRequest(
                f"there are {plural(len(likes), 'picture')} and {len(given)} {option}: give one for each in "
                "turn, or - where the thing is to be proposed"
            )
        for number, text in enumerate(given):
            if text != "-":
                found[number] = _selection(session, likes[number], option, [text], found[number])
    return found


def _selection(
    session: Session, picture: Like, option: str, given: Sequence[str], so_far: Selection | None
) -> Selection | None:
    from dataclasses import replace
    from functools import cache

    from dinoscope.cli.parts import Marked
    from dinoscope.cli.regions import mask_in, size_of
    from dinoscope.operations.selection import Selection
    from dinoscope.pictures.limits import Limits

    texts = [text for text in given if text != "-"]
    if not texts:
        return so_far
    field = {"--box": "boxes", "--point": "points", "--polygon": "polygons", "--mask": "mask"}[option]
    written = Marked(**{field: Path(texts[0]) if field == "mask" else texts})  # type: ignore[arg-type]
    size = cache(lambda: size_of(session, picture))
    new = written.selection(size, lambda path: mask_in(path, Limits.of(session.settings)))
    old = so_far or Selection()
    return replace(
        old,
        boxes=old.boxes + new.boxes,
        points=old.points + new.points,
        polygons=old.polygons + new.polygons,
        masks=old.masks + new.masks,
    )
