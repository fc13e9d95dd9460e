"""Paths as text that SQLite can hold, and back, whatever bytes a file name is made of."""

from __future__ import annotations

import re
from pathlib import Path

# A name that is no UTF-8 reaches Python with lone surrogates, which SQLite refuses. No absolute path
# holds "//" further in than its first character, so "//dce9" can stand for such a byte and nothing else.
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile("//([0-9a-f]{4})")


def to_text(path: Path | str) -> str:
    """The text that stands for a path in the library's rows."""
    return _SURROGATE.sub(lambda found: f"//{ord(found[0]):04x}", str(path))


def to_path(text: str) -> Path:
    """The inverse of ``to_text``."""
    return Path(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), text))


def absolute(path: Path) -> Path:
    """Absolute and without "." or "..", links not followed: the path as the user knows it."""
    import os.path

    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps ".."


def below(folder: str) -> tuple[str, str]:
    """(from, to) such that from <= path < to holds for exactly the paths inside the folder."""
    separator = "\\" if "\\" in folder and "/" not in folder else "/"
    stem = folder.rstrip(separator) + separator
    return stem, stem[:-1] + chr(ord(separator) + 1)
