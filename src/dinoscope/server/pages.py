"""The web page: built files from ``bundle/``, held in memory, so that no address can lead to another file."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

BUNDLE = Path(__file__).with_name("bundle")
API = "/api"
HASHED = re.compile(r"-[\w-]{8}\.\w+$")  # Vite's names: the content is in the name
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
NOT_BUILT = (
    "The page of Dinoscope is not built: run “make page” in its checkout (it needs Node.js 20 or newer), "
    "or install a released wheel, and start the server again. "
    "The HTTP interface works without it, below /api/v1.\n"
)
# Not left to the machine's registry, which on some Windows says text/plain for .js
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class File:
    """One built file, as it is sent."""

    body: bytes
    packed: bytes | None  # gzip, when that is smaller by a tenth
    type: str
    tag: str
    caching: str


def bundled(folder: Path = BUNDLE) -> dict[str, File]:
    """URL path -> file. Empty when the page was not built."""
    if not (folder / "index.html").is_file():
        return {}
    return {f"/{path.relative_to(folder).as_posix()}": _file(path) for path in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".sha256")


def _file(path: Path) -> File:
    body = path.read_bytes()
    packed = gzip.compress(body, 9, mtime=0)
    return File(
        body=body,
        packed=packed if len(packed) < 0.9 * len(body) else None,
        type=TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        tag=f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"',
        caching=FOREVER if HASHED.search(path.name) else ASK_AGAIN,
    )


class Pages:
    """ASGI middleware: everything outside /api is the page. Any address without a dot is one of its views."""

    def __init__(self, app: ASGIApp, files: dict[str, File]) -> None:
        self._app = app
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == API or scope["path"].startswith(f"{API}/"):
            await self._app(scope, receive, send)
        else:
            await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        if scope["method"] not in {"GET", "HEAD"}:
            return PlainTextResponse("Only to be looked at.\n", 405, {"Allow": "GET, HEAD"})
        if not self._files:
            return PlainTextResponse(NOT_BUILT, 503)
        path = scope["path"]
        file = self._files.get(path)
        if file is None and "." not in path.rpartition("/")[2]:
            file = self._files["/index.html"]
        if file is None:
            return PlainTextResponse("There is no such file.\n", 404)
        return _sent(file, Headers(scope=scope))


def _sent(file: File, asked: Headers) -> Response:
    headers = {"ETag": file.tag, "Cache-Control": file.caching, "Vary": "Accept-Encoding"}
    if file.tag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if file.packed is not None and "gzip" in asked.get("accept-encoding", ""):
        return Response(
            file.packed, headers=headers | {"Content-Encoding": "gzip", "Content-Type": file.type}
        )
    return Response(file.body, headers=headers | {"Content-Type": file.type})
