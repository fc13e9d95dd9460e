"""How a path is written inside a sentence, and how the system's reasons are."""

from __future__ import annotations

from pathlib import Path


def shown(path: Path | str) -> str:
    """The path as text that any terminal, database and JSON can hold.

    Bytes that are no UTF-8 and control characters become ``\\x..`` escapes: a file name is chosen by
    strangers and may otherwise move the cursor or break a page.
    """
    text = str(path).encode("utf-8", "backslashreplace").decode("utf-8")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def reason(error: OSError) -> str:
    """The system's words for an error, without its number and path: "permission denied"."""
    text = error.strerror or type(error).__name__
    return text[:1].lower() + text[1:]
