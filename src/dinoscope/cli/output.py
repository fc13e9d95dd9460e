"""How the command line speaks: results on stdout, everything else on stderr. rich is imported when needed."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def out() -> Console:
    """The console for results. Piped, it neither colours nor wraps."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 10_000, highlight=False)


def notes() -> Console:
    """The console for progress and remarks."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def fail(sentence: str) -> None:
    """One red sentence on stderr; a file's name at its start stays as it is written."""
    first = sentence.split(" ", 1)[0]
    if first.isalpha():
        sentence = sentence[:1].upper() + sentence[1:]
    note(f"[bold red]Error:[/] {escaped(sentence)}.")


def note(markup: str) -> None:
    """A remark on stderr, in rich markup, never wrapped."""
    notes().print(markup, soft_wrap=True)


def say(markup: str) -> None:
    """A line of the result, in rich markup, never wrapped."""
    out().print(markup, soft_wrap=True)


def escaped(text: object) -> str:
    """Text that is no markup, whatever brackets or control characters a file name holds."""
    from rich.markup import escape

    plain = "".join(character if character.isprintable() else "�" for character in str(text))
    return escape(plain)


def table(*columns: str, right: Sequence[str] = ()) -> Table:
    """An empty table in the house style; the columns named in ``right`` are numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        number = column in right
        made.add_column(column, justify="right" if number else "left", no_wrap=number, overflow="fold")
    return made


def print_json(value: object) -> None:
    """One JSON document on stdout. Dataclasses become objects, paths strings, times ISO."""
    json.dump(value, sys.stdout, default=_plain, ensure_ascii=True, indent=2, allow_nan=False)
    sys.stdout.write("\n")
    sys.stdout.flush()


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (Mapping, Sequence)):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def in_bytes(count: float) -> str:
    """1536 -> "1.5 KB"; decimal units, as file managers show them."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def in_time(seconds: float) -> str:
    """75 -> "1 min 15 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def plural(count: int, noun: str) -> str:
    """(2, "picture") -> "2 pictures"; (1, "copy") -> "1 copy"."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("y") else f"{count:,} {noun}s"
