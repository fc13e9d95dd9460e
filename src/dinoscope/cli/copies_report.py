"""What was found of copies, written down: a table of pairs, or a page to look at."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from dinoscope.cli.output import in_bytes, plural
from dinoscope.cli.writing import writing

if TYPE_CHECKING:
    from dinoscope.library.records import Picture
    from dinoscope.operations.copy_answers import CopyGroup, CopyPair, CopyReport, Outline

_HEAD = """<!doctype html><meta charset="utf-8"><title>Copies</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif }
body { max-width: 1080px; margin: 2rem auto; padding: 0 1rem }
section { margin: 2.5rem 0; border-top: 1px solid #8884; padding-top: 1rem }
ul { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none }
li { width: 240px } figure { margin: 0; position: relative }
img { width: 100%; display: block; border-radius: 6px } .keep img { outline: 3px solid #2a9d62 }
svg { position: absolute; inset: 0; width: 100%; height: 100% }
polygon { fill: none; stroke: #ff8a1f; stroke-width: 2; vector-effect: non-scaling-stroke }
small { display: block; opacity: .75; overflow-wrap: anywhere }
</style>
"""


def write_table(to: Path, report: CopyReport) -> None:
    """Every pair, grouped ones with the group's number, for a spreadsheet or a program.

    Raises:
        Unreadable, DiskFull: it cannot be written.
    """
    from csv import writer

    with writing(to), to.open("w", encoding="utf-8", errors="replace", newline="") as file:
        rows = writer(file)
        columns = ["group", "here", "there", "copy", "similar", "edits", "edited", "keep"]
        rows.writerow([*columns, "here_path", "there_path"])
        for number, group in enumerate(report.groups, 1):
            for pair in group.pairs:
                rows.writerow([number, *_cells(pair, group.keep)])
        for pair in report.similar:
            rows.writerow(["", *_cells(pair, None)])


def _cells(pair: CopyPair, keep: int | None) -> Iterator[str | int]:
    found = pair.found
    edited = (pair.here if found.edited == "here" else pair.there).id
    yield from (pair.here.id, pair.there.id, f"{found.copy:.4f}", f"{found.similar:.4f}")
    yield from (" ".join(found.edits), edited, "" if keep is None else keep)
    yield from (str(pair.here.path), str(pair.there.path))


def write_page(to: Path, report: CopyReport, thumbnail: Callable[[str], bytes | None]) -> None:
    """A page of its own, with the pictures in it.

    Raises:
        Unreadable, DiskFull: it cannot be written.
    """
    with writing(to), to.open("w", encoding="utf-8", errors="replace") as file:
        file.write(_HEAD)
        counted = f"{plural(len(report.groups), 'group')} of copies"
        file.write(f"<h1>{counted}</h1><p>Among {plural(report.pictures, 'picture')}, at ")
        file.write(f"{report.at_least:.0%} or surer; {plural(len(report.similar), 'pair')} only alike.</p>\n")
        for group in report.groups:
            file.write(_section(group, thumbnail))


def _section(group: CopyGroup, thumbnail: Callable[[str], bytes | None]) -> str:
    outlines = {}
    for pair in group.pairs:
        for one, other, outline in (
            (pair.here, pair.there, pair.found.here),
            (pair.there, pair.here, pair.found.there),
        ):
            if other.id == group.keep:
                outlines[one.id] = outline
    parts = [f"<section><h2>{plural(len(group.members), 'picture')}</h2><ul>"]
    for member in group.members:
        one = member.picture
        kind = ' class="keep"' if one.id == group.keep else ""
        about = f"{one.size.width} × {one.size.height}, {in_bytes(one.bytes)}"
        parts.append(
            f"<li{kind}><figure>{_drawn(one, thumbnail, outlines.get(one.id, ()))}</figure>"
            f"<b>{escape(member.why)}</b><small>{about}</small><small>{escape(str(one.path))}</small></li>"
        )
    return "".join([*parts, "</ul></section>\n"])


def _drawn(one: Picture, thumbnail: Callable[[str], bytes | None], outline: Outline) -> str:
    kept = thumbnail(one.content)
    if kept is None:
        return "no picture of it is kept"
    image = f'<img alt="" src="data:image/webp;base64,{b64encode(kept).decode()}">'
    if not outline:
        return image
    corners = " ".join(f"{x:.0f},{y:.0f}" for x, y in outline)
    box = f"0 0 {one.size.width} {one.size.height}"
    return f'{image}<svg viewBox="{box}" preserveAspectRatio="none"><polygon points="{corners}"/></svg>'
