"""What ``scale.py`` measured, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def report(rows: Sequence[dict[str, Any]]) -> str:
    return "\n".join(str(row)[:300] for row in rows)
