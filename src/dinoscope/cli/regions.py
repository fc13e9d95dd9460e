"""Searching for a part of a picture from the shell, and how its answer is shown."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dinoscope.cli.output import escaped, note, out, plural, print_json, say, table
from dinoscope.errors import NotAPicture, Unreadable

if TYPE_CHECKING:
    from rich.table import Table

    from dinoscope.cli.parts import Marked
    from dinoscope.features import Pixels
    from dinoscope.geometry import Box, Mask, Size
    from dinoscope.library.filters import Filter
    from dinoscope.operations.region_answers import RegionAnswer, RegionHit
    from dinoscope.operations.selection import Selection
    from dinoscope.operations.session import Like, Session
    from dinoscope.pictures.gate import Trust
    from dinoscope.pictures.limits import Limits

SHOWN_PLACES = 3  # of one hit in the table


def search_part(
    session: Session,
    picture: Like,
    marked: Marked,
    *,
    k: int,
    where: Filter | None,
    collapse: bool,
    json: bool,
) -> None:
    """Search, print what was found, and draw it where that is wished."""
    from dinoscope.cli import sheet
    from dinoscope.pictures.limits import Limits

    if marked.out is not None:
        sheet.check_place(marked.out)
    size = cache(lambda: size_of(session, picture))
    selection = marked.selection(size, lambda path: mask_in(path, Limits.of(session.settings)))
    more, less = marked.examples(lambda number: session.library.picture(number).size)
    answer = session.search_region(
        picture,
        selection,
        k=k,
        where=where,
        also=marked.also,
        more=more,
        less=less,
        refine=marked.refine,
        collapse=collapse,
    )
    if marked.out is not None:
        draw(session, picture, selection, answer, marked.out)
    if json:
        print_json(plain(answer))
    else:
        show(answer)


def size_of(session: Session, picture: Like) -> Size:
    """The picture's, upright. Raises as opening it does."""
    if isinstance(picture, int):
        return session.library.picture(picture).size
    from dinoscope.pictures.decoding import decode
    from dinoscope.pictures.limits import Limits
    from dinoscope.pictures.reading import read_bytes

    limits = Limits.of(session.settings)
    assert isinstance(picture, (bytes, Path)), "the command line names nothing else"
    data = picture if isinstance(picture, bytes) else read_bytes(picture, limits)
    where = "the picture" if isinstance(picture, bytes) else str(picture)
    return decode(data, limits, where=where, at_least=16).size


def mask_in(path: Path, limits: Limits) -> Mask:
    """The mask in a file. Raises: Unreadable, NotAPicture, PictureTooLarge, BadRequest."""
    from dinoscope.pictures.masks import mask_of
    from dinoscope.pictures.reading import read_bytes

    try:
        data = read_bytes(path, limits)
    except (Unreadable, NotAPicture) as error:  # two files are read: say which
        raise type(error)(f"the mask {error}") from None
    return mask_of(data, limits, f"the mask {path}")


def draw(session: Session, picture: Like, selection: Selection, answer: RegionAnswer, to: Path) -> None:
    """The query and the hits, with the places drawn, as one picture or a folder of pictures."""
    from dinoscope.cli import sheet

    here, content = picture, None
    if isinstance(picture, int):
        known = session.library.picture(picture)
        here, content = known.path, known.content
    pixels = pixels_of(session, here, content)
    if pixels is None:
        raise Unreadable(f"{here!s} is gone, and so is its thumbnail: leave --out away")
    count = sheet.write(
        to,
        pixels,
        answer.grid.picture,
        selection,
        hits=answer.hits,
        load=lambda hit, side: pixels_of(session, hit.picture.path, hit.picture.content, side),
    )
    note(f"Drawn: {escaped(to)}" + ("" if sheet.is_sheet(to) else f" ({plural(count, 'picture')})"))


def pixels_of(session: Session, picture: Like, content: str | None, side: int = 640) -> Pixels | None:
    """Of the file, or when that is gone or changed of the library's thumbnail of it; None without either."""
    from dinoscope.pictures.decoding import decode
    from dinoscope.pictures.limits import Limits
    from dinoscope.pictures.reading import FileBytes, read_file

    limits = Limits.of(session.settings)
    assert isinstance(picture, (bytes, Path)), "the command line names nothing else"
    try:
        file = FileBytes(picture, 0) if isinstance(picture, bytes) else read_file(picture, limits)
        if content in {None, file.content}:
            trust: Trust = "known" if content else "stranger"
            return decode(file.data, limits, where="the picture", at_least=side, trust=trust).seen
    except (Unreadable, NotAPicture):
        if content is None:
            raise
    kept = session.library.thumbnail(content) if content else None
    return None if kept is None else decode(kept, limits, where="the thumbnail", trust="own").pixels


def plain(answer: RegionAnswer) -> dict[str, Any]:
    """The answer for JSON: boxes as [left, top, right, bottom], and no heat maps, which are for eyes."""
    return {
        "hits": [
            {
                "picture": hit.picture,
                "score": hit.score,
                "whole": hit.whole,
                "places": [{"box": corners(place.box), "score": place.score} for place in hit.places],
                "near": hit.near,
                "doubtful": hit.doubtful,
                "copies": hit.copies,
            }
            for hit in answer.hits
        ],
        "verdict": answer.verdict,
        "judged": answer.judged,
        "model": answer.model,
        "engine": answer.engine,
        "exact": answer.exact,
        "searched": answer.searched,
        "missing": answer.missing,
        "note": answer.note,
        "seconds": answer.seconds,
        "encode_seconds": answer.encode_seconds,
    }


def corners(box: Box) -> list[float]:
    """[left, top, right, bottom] to a tenth of a pixel."""
    return [round(float(value), 1) for value in (box.left, box.top, box.right, box.bottom)]


def show(answer: RegionAnswer) -> None:
    """The hits as a table, best first, each with its places, written as --more and --less want them."""
    if answer.hits:
        out().print(listed(answer))
    else:
        say(
            "[yellow]Nothing to show: no picture passes the filter, or none can be searched for parts yet.[/]"
        )
    if answer.verdict:
        colour = "yellow" if all(hit.doubtful for hit in answer.hits) else "green" if answer.judged else "dim"
        say(f"[{colour}]{escaped(answer.verdict)}[/]")
    if answer.note:
        note(f"[yellow]{escaped(answer.note)}[/]")
    spent = f"{answer.seconds * 1000:.0f} ms"
    if answer.encode_seconds:
        spent += f", encoding {answer.encode_seconds * 1000:.0f} ms"
    note(
        f"[dim]{answer.searched:,} pictures searched for the part in {spent} "
        f"({answer.engine}, {escaped(answer.model)})[/]"
    )


def listed(answer: RegionAnswer) -> Table:
    """The hits with their places; the doubtful ones have a question mark, and are pale."""
    wanted = {
        "Near": answer.judged,
        "Whole": any(hit.whole is not None for hit in answer.hits),
    }
    made = table(
        "",
        "Score",
        *(name for name in wanted if wanted[name]),
        "Place",
        "Picture",
        right=["", "Score", *wanted],
    )
    for rank, hit in enumerate(answer.hits, 1):
        more = [
            numbers for name, numbers in (("Near", near_of(hit)), ("Whole", whole_of(hit))) if wanted[name]
        ]
        for first, score, place, picture in rows(rank, hit):
            made.add_row(
                first,
                score,
                *(more if first else [""] * len(more)),
                place,
                picture,
                style="dim" if hit.doubtful else "",
            )
    return made


def rows(rank: int, hit: RegionHit) -> list[tuple[str, str, str, str]]:
    """A hit's line, and one for each further place."""
    copies = f" [dim](+{len(hit.copies)} copies)[/]" if hit.copies else ""
    first, *others = (place_of(hit, place.box) for place in hit.places)
    left = len(others) - (SHOWN_PLACES - 1)
    lines = [(str(rank), f"{hit.score:.3f}", first, escaped(hit.picture.path) + copies)]
    for place, text in zip(hit.places[1:SHOWN_PLACES], others, strict=False):
        lines.append(("", f"[dim]{place.score:.3f}[/]", text, ""))
    if left > 0:
        lines.append(("", "", f"[dim]and {plural(left, 'place')} more[/]", ""))
    return lines


def near_of(hit: RegionHit) -> str:
    """How alike it is from near, with a question mark where that is little."""
    return ("" if hit.near is None else f"{hit.near:.2f}") + ("?" if hit.doubtful else " ")


def whole_of(hit: RegionHit) -> str:
    return "" if hit.whole is None else f"{hit.whole:.3f}"


def place_of(hit: RegionHit, box: Box) -> str:
    """``45:40,60,200,180``."""
    left, top, right, bottom = (round(value) for value in (box.left, box.top, box.right, box.bottom))
    return f"{hit.picture.id}:{left},{top},{max(right, left + 1)},{max(bottom, top + 1)}"
