"""Grids and points as bytes: what they look like in the interface, and how they are sent."""

from __future__ import annotations

from typing import Any

from fastapi import Response

_KIND = "application/octet-stream"
BINARY: dict[int | str, dict[str, Any]] = {
    200: {"content": {_KIND: {}}, "description": "bytes, see docs/api.md"}
}


def binary(data: bytes) -> Response:
    """Never kept by the browser: the page keeps what it still needs."""
    return Response(data, media_type=_KIND, headers={"Cache-Control": "no-store"})
