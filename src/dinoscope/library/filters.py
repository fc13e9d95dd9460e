"""Filters: ``kind=jpeg and taken>=2021 and camera~canon`` becomes SQL, its values always parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import cos, isfinite, radians

from dinoscope.errors import BadRequest
from dinoscope.library.paths import below, to_text

GRAMMAR = (
    "write clauses like kind=jpeg, width>=1024, bytes<2MB, taken=2021-07, camera~canon, "
    'folder="/my pictures", near(48.2,16.4,25), has:place or no:date, joined by and; '
    "fields are path, name, folder, kind, width, height, pixels, bytes, modified, added, taken, camera, "
    "lens, lat, lon; operators are = != < <= > >= and ~ (contains)"
)


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on the columns of ``files``. Equal text means an equal filter."""

    text: str  # canonical: what to show, to store in a permalink, to compare
    sql: str
    parameters: tuple[str | int | float, ...]


def parse_filter(text: str | Sequence[str] | None) -> Filter | None:
    """A filter from one expression or several that must all hold; None when there is nothing to filter.

    Values may be quoted with ' or ", and must be when they hold " and " or an operator. Dates are ISO
    prefixes: ``taken=2021-07`` is that month by the camera's clock, ``modified`` and ``added`` count in UTC.
    ``folder=X`` includes the folders below X. Sizes take kB, MB, GB (or KiB …), pixels MP.

    Raises:
        BadRequest: the sentence shows what was not understood and the grammar.
    """
    texts = [text] if isinstance(text, str) else list(text or ())
    clauses = [_clause(part) for whole in texts for part in _split(whole)]
    if not clauses:
        return None
    return Filter(
        " and ".join(clause.text for clause in clauses),
        " AND ".join(f"({clause.sql})" for clause in clauses),
        tuple(value for clause in clauses for value in clause.parameters),
    )


def both(one: Filter | None, other: Filter | None) -> Filter | None:
    """The filter that holds where both hold."""
    if one is None or other is None:
        return one or other
    return Filter(
        f"{one.text} and {other.text}", f"({one.sql}) AND ({other.sql})", one.parameters + other.parameters
    )


_QUOTED = re.compile(r"""(?P<quote>["'])(?P<inside>.*?)(?P=quote)""", re.DOTALL)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_COMPARISON = re.compile(
    r"\s*(?P<field>[a-z]+)\s*(?P<op>!=|<=|>=|=|<|>|~)\s*(?P<value>.*?)\s*", re.DOTALL | re.I
)
_FLAG = re.compile(r"\s*(?P<word>has|no)\s*:\s*(?P<what>[a-z]+)\s*", re.IGNORECASE)
_NEAR = re.compile(r"\s*near\s*\(\s*([^,()]+),\s*([^,()]+),\s*([^,()]+)\)\s*", re.IGNORECASE)

# in a value without quotes: another clause that was not joined by "and", or a clause forgotten after it
_SUSPICIOUS = re.compile(r"[=<>~]|\s(and|or)$", re.IGNORECASE)


def _split(text: str) -> list[str]:
    """The clauses of an expression; quoted stretches are left alone."""
    if not text.strip():
        return []
    hidden = _QUOTED.sub(lambda found: "\0" * len(found[0]), text)
    parts, start = [], 0
    for joint in _AND.finditer(hidden):
        parts.append(text[start : joint.start()])
        start = joint.end()
    return [*parts, text[start:]]


def _clause(text: str) -> Filter:
    if found := _NEAR.fullmatch(text):
        return _near(*(_number(part, text) for part in found.groups()))
    if found := _FLAG.fullmatch(text):
        return _flag(found["word"].lower(), found["what"].lower(), text)
    found = _COMPARISON.fullmatch(text)
    if found is None:
        raise _misunderstood(text)
    field, op, value = found["field"].lower(), found["op"], _unquoted(found["value"])
    ambiguous = value == found["value"] and _SUSPICIOUS.search(value)
    if field not in _FIELDS or not value or ambiguous:
        raise _misunderstood(text)
    sql, parameters = _FIELDS[field](op, value, text)
    return Filter(f"{field}{op}{_quoted(value)}", sql, parameters)


def _unquoted(value: str) -> str:
    found = _QUOTED.fullmatch(value)
    return found["inside"] if found else value


def _quoted(value: str) -> str:
    if not re.search(r"[\s\"'=<>~]", value):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'


def _misunderstood(text: str) -> BadRequest:
    return BadRequest(f"the filter clause {text.strip()!r} makes no sense: {GRAMMAR}")


Compiled = tuple[str, tuple[str | int | float, ...]]
_NEGATED = {"!=": "IS NOT", "=": "IS"}  # a picture without a camera is not by Canon: NULL must not hide it


def _words(column: str, synonyms: dict[str, str] | None = None) -> Callable[[str, str, str], Compiled]:
    """Text, compared without case."""

    def compile_words(op: str, value: str, text: str) -> Compiled:
        value = (synonyms or {}).get(value.lower(), value)
        if op == "~":
            return _contains(column, value)
        if op not in _NEGATED:
            raise _misunderstood(text)
        if value.isascii():
            return f"{column} {_NEGATED[op]} ? COLLATE NOCASE", (to_text(value),)
        return f"folded({column}) {_NEGATED[op]} folded(?)", (to_text(value),)

    return compile_words


def _contains(column: str, value: str) -> Compiled:
    needle = to_text(value)
    if needle.isascii():  # LIKE folds ASCII only, and is several times faster than a Python function
        escaped = re.sub(r"([%_\\])", r"\\\1", needle)
        return f"{column} LIKE ? ESCAPE '\\'", (f"%{escaped}%",)
    return f"instr(folded({column}), folded(?)) > 0", (needle,)


def _path(op: str, value: str, text: str) -> Compiled:
    if op == "~":
        return _contains("path", value)
    if op not in _NEGATED:
        raise _misunderstood(text)
    return f"path {_NEGATED[op]} ?", (to_text(value),)


def _folder(op: str, value: str, text: str) -> Compiled:
    if op == "~":
        return _contains("folder", value)
    if op not in _NEGATED:
        raise _misunderstood(text)
    folder = to_text(value)
    start, stop = below(folder.rstrip("/\\") or folder[:1])
    inside = "(path >= ? AND path < ?)"  # the index of paths serves this; a million rows take 1 ms, not 400
    return (inside if op == "=" else f"NOT {inside}"), (start, stop)


def _quantity(column: str, units: dict[str, float] | None = None) -> Callable[[str, str, str], Compiled]:
    def compile_quantity(op: str, value: str, text: str) -> Compiled:
        if op == "~":
            raise _misunderstood(text)
        sign = {"!=": "IS NOT", "=": "="}.get(op, op)
        return f"{column} {sign} ?", (_number(value, text, units),)

    return compile_quantity


_UNIT = re.compile(r"(?P<number>[-+0-9.,_e]*?[0-9.])\s*(?P<unit>[a-z]*)", re.IGNORECASE)
_BYTES = {"": 1.0, "b": 1.0}
_BYTES |= {f"{letter}b": 1000.0**power for power, letter in enumerate("kmgt", 1)}
_BYTES |= {f"{letter}ib": 1024.0**power for power, letter in enumerate("kmgt", 1)}
_PIXELS = {"": 1.0, "px": 1.0, "mp": 1e6}


def _number(value: str, text: str, units: dict[str, float] | None = None) -> float:
    found = _UNIT.fullmatch(value.strip())
    scale = (units or {"": 1.0}).get(found["unit"].lower()) if found else None
    try:
        number = float(found["number"].replace("_", "")) * scale if found and scale is not None else None
    except ValueError:
        number = None
    if number is None or not isfinite(number):
        raise _misunderstood(text)
    return number


_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2})(?::(\d{2})(?::(\d{2}))?)?)?)?)?Z?")


def _span(value: str, text: str) -> tuple[datetime, datetime]:
    """[from, to) of an ISO prefix: a year, month, day, hour, minute or second."""
    found = _DATE.fullmatch(value.strip())
    if found is None:
        raise _misunderstood(text)
    given = [int(part) for part in found.groups() if part is not None]
    try:
        start = datetime(*(given + [1, 1][len(given) - 1 :])) if len(given) < 3 else datetime(*given)  # type: ignore[arg-type]
        stop = _after(start, len(given))
    except (ValueError, OverflowError):
        raise _misunderstood(text) from None
    return start, stop


def _after(start: datetime, parts: int) -> datetime:
    if parts == 1:
        return start.replace(year=start.year + 1)
    if parts == 2:
        return (start + timedelta(days=31)).replace(day=1)
    return (
        start + (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1))[parts - 3]
    )


def _moment(column: str, form: Callable[[datetime], str | int]) -> Callable[[str, str, str], Compiled]:
    """Dates: = means within the prefix, < before it, > after it."""

    def compile_moment(op: str, value: str, text: str) -> Compiled:
        start, stop = (form(end) for end in _span(value, text))
        if op == "=":
            return f"{column} >= ? AND {column} < ?", (start, stop)
        if op == "!=":
            return f"{column} IS NULL OR {column} < ? OR {column} >= ?", (start, stop)
        if op == "~":
            raise _misunderstood(text)
        bound = {"<": ("<", start), "<=": ("<", stop), ">": (">=", stop), ">=": (">=", start)}[op]
        return f"{column} {bound[0]} ?", (bound[1],)

    return compile_moment


def _clock(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _nanoseconds(moment: datetime) -> int:
    return int((moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 10**9


_HAS = {"place": "latitude", "date": "taken", "camera": "camera", "lens": "lens"}


def _flag(word: str, what: str, text: str) -> Filter:
    if what not in _HAS:
        raise _misunderstood(text)
    return Filter(f"{word}:{what}", f"{_HAS[what]} IS {'NOT ' if word == 'has' else ''}NULL", ())


_KM_PER_DEGREE = 6371.0 * radians(1)


def _near(latitude: float, longitude: float, distance: float) -> Filter:
    """Within ``distance`` km. The box in front spares the trigonometry for everything far away."""
    text = f"near({latitude:g},{longitude:g},{distance:g})"
    if not (abs(latitude) <= 90 and abs(longitude) <= 180 and distance >= 0):
        raise _misunderstood(text)
    reach = distance / _KM_PER_DEGREE * 1.001
    sql, parameters = "latitude BETWEEN ? AND ?", [latitude - reach, latitude + reach]
    furthest = abs(latitude) + reach  # meridians meet at the poles: no bound on longitude there
    width = reach / cos(radians(furthest)) if furthest < 89 else 360.0
    if abs(longitude) + width < 180:
        sql += " AND longitude BETWEEN ? AND ?"
        parameters += [longitude - width, longitude + width]
    sql += " AND kilometres(latitude, longitude, ?, ?) <= ?"
    return Filter(text, sql, (*parameters, latitude, longitude, distance))


_KINDS = {"jpg": "jpeg", "tif": "tiff", "heif": "heic"}
_NAME = "substr(path, length(rtrim(path, replace(replace(path, '/', ''), '\\', ''))) + 1)"

_FIELDS: dict[str, Callable[[str, str, str], Compiled]] = {
    "path": _path,
    "name": _words(_NAME),
    "folder": _folder,
    "kind": _words("kind", _KINDS),
    "width": _quantity("width", _PIXELS),
    "height": _quantity("height", _PIXELS),
    "pixels": _quantity("width * height", _PIXELS),
    "bytes": _quantity("bytes", _BYTES),
    "modified": _moment("modified", _nanoseconds),
    "added": _moment("added", _nanoseconds),
    "taken": _moment("taken", _clock),
    "camera": _words("camera"),
    "lens": _words("lens"),
    "lat": _quantity("latitude"),
    "lon": _quantity("longitude"),
}
