"""A comparison as one HTML file: numbers, and both models' neighbours of the same pictures in two rows."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from html import escape

from dinoscope.library.records import Picture
from dinoscope.operations.comparison import Comparison, Example, Neighbour, Side
from dinoscope.operations.paired import Paired

Thumbnail = Callable[[str], bytes | None]  # content -> WebP

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #777; --good: #2a8; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1180px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .25rem .8rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
td.better { color: var(--good); font-weight: 600; }
tr.edit td { color: var(--soft); font-size: .9em; }
section { display: grid; grid-template-columns: 170px 1fr; gap: 1rem; padding: 1rem 0;
  border-top: 1px solid var(--line); }
figure { margin: 0; }
figure img { width: 100%; height: 128px; object-fit: contain; background: #8882; border-radius: 6px; }
.row { display: grid; grid-template-columns: repeat(10, minmax(0, 1fr)); gap: 6px; }
@media (max-width: 900px) { .row { grid-template-columns: repeat(5, minmax(0, 1fr)); } }
.row figure img { height: 84px; }
.shared figcaption::before { content: "● "; color: var(--good); }
figcaption { font-size: .75em; color: var(--soft);
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
h3 { margin: .4rem 0; font-size: .9em; }
"""


def report(found: Comparison, thumbnail: Thumbnail) -> str:
    """The file's text; pictures are inside it, and nothing is fetched from anywhere."""
    return "".join(_parts(found, thumbnail))


def _parts(found: Comparison, thumbnail: Thumbnail) -> Iterator[str]:
    title = f"{found.first.name} and {found.second.name} compared"
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
    yield f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    yield f"<h1>{escape(title)}</h1>"
    yield from (f"<p><b>{escape(text[:1].upper() + text[1:])}.</b></p>" for text in found.sentences)
    yield f"<p>{found.pictures:,} pictures, {found.queries:,} asked about. Intervals are 95 %.</p>"
    yield from _numbers(found)
    yield "<p>A dot marks what both models name.</p>"
    for example in found.examples:
        yield from _example(found, example, thumbnail)
    yield "</html>\n"


def _numbers(found: Comparison) -> Iterator[str]:
    first, second = found.first, found.second
    yield f"<table><tr><th></th><th>{escape(first.name)}</th><th>{escape(second.name)}</th>"
    yield "<th>difference</th><th>interval</th><th>chance</th></tr>"
    yield _fact("numbers a picture", f"{first.dimension}", f"{second.dimension}")
    yield _fact("weights", _megabytes(first.weights_bytes), _megabytes(second.weights_bytes))
    if first.milliseconds:
        yield _fact("time a picture", f"{first.milliseconds:.1f} ms", f"{second.milliseconds:.1f} ms")
    for score in found.scores:
        yield _score(score, "")
    for score in found.edits:
        yield _score(score, "edit")
    yield "</table>"


def _fact(name: str, first: str, second: str) -> str:
    return f"<tr><td>{name}</td><td>{first}</td><td>{second}</td><td></td><td></td><td></td></tr>"


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count else ""


def _score(score: Paired, kind: str) -> str:
    marks = [' class="better"' if score.better == side else "" for side in ("first", "second")]
    apart = score.difference
    return (
        f'<tr class="{kind}"><td>{escape(score.name)}</td>'
        f"<td{marks[0]}>{score.first:.3f}</td><td{marks[1]}>{score.second:.3f}</td>"
        f"<td>{apart.value:+.3f}</td><td>{apart.low:+.3f} to {apart.high:+.3f}</td>"
        f"<td>{score.p:.2g}</td></tr>"
    )


def _example(found: Comparison, example: Example, thumbnail: Thumbnail) -> Iterator[str]:
    yield f"<section><div>{_figure(example.query, example.query.path.name, thumbnail)}</div><div>"
    yield from _row(found.first, example.first, thumbnail)
    yield from _row(found.second, example.second, thumbnail)
    yield "</div></section>"


def _row(side: Side, near: tuple[Neighbour, ...], thumbnail: Thumbnail) -> Iterator[str]:
    yield f'<h3>{escape(side.name)}</h3><div class="row">'
    for one in near:
        kind = "shared" if one.shared else ""
        yield _figure(one.picture, f"{one.score:.2f} {one.picture.path.name}", thumbnail, kind)
    yield "</div>"


def _figure(picture: Picture, caption: str, thumbnail: Thumbnail, kind: str = "") -> str:
    data = thumbnail(picture.content)
    source = f"data:image/webp;base64,{b64encode(data).decode()}" if data else ""
    text = escape(caption.encode("utf-8", "replace").decode("utf-8"))
    caption = f'<figcaption title="{text}">{text}</figcaption>'
    return f'<figure class="{kind}"><img alt="" src="{source}">{caption}</figure>'
