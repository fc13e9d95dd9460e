"""Every failure as problem+json (RFC 9457), with the sentence that the command line would print."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dinoscope.errors import DinoscopeError, ServerBusy
from dinoscope.pictures.naming import shown as printable
from dinoscope.server.wire import Problem, shown

_log = logging.getLogger(__name__)

SENTENCES = {
    404: "there is nothing at {path}: docs/api.md lists what there is",
    405: "{path} does not understand {method}: docs/api.md lists what it does",
}
RETRY = "3"  # seconds after which a busy server may be asked again


def problem(
    status: int, title: str, sentence: str, path: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    """A response that says what went wrong; ``path`` is what was asked for."""
    body = Problem(
        type=f"urn:dinoscope:{title.lower().replace(' ', '-')}",
        title=title,
        status=status,
        detail=shown(sentence),
        instance=shown(path),
    )
    return JSONResponse(
        body.model_dump(),
        status,
        {"Cache-Control": "no-store"} | (headers or {}),
        media_type="application/problem+json",
    )


def problem_of(error: DinoscopeError, path: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """One of Dinoscope's own refusals."""
    patience = {"Retry-After": RETRY} if isinstance(error, ServerBusy) else {}
    return problem(error.status, error.title, str(error), path, patience | (headers or {}))


def install(app: FastAPI) -> None:
    """Answer with problems instead of FastAPI's own error bodies."""
    app.add_exception_handler(DinoscopeError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)


def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, DinoscopeError):
        raise error
    return problem_of(error, request.url.path)


def _invalid(request: Request, error: Exception) -> Response:
    """The first thing that is wrong; whoever mends it learns of the next."""
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "the body"
    if first["type"] == "json_invalid":
        where = "the body"
    said = str(first["msg"]).rstrip(".")
    return problem(422, "Bad request", f"{where} is not right ({said}): correct it", request.url.path)


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    path = request.url.path
    sentence = SENTENCES.get(error.status_code, error.detail).format(path=path, method=request.method)
    title = HTTPStatus(error.status_code).phrase
    return problem(error.status_code, title, sentence, path, dict(error.headers or {}))


def _gone(request: Request, error: Exception) -> Response:
    """The client hung up while it was sending; nobody reads this."""
    return problem(400, "Bad request", "the picture did not arrive whole: send it again", request.url.path)


class LastResort:
    """ASGI middleware: a bug becomes a logged traceback and a problem that tells nothing private."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:  # a bug, of which no client may see more than that there is one
            if scope["type"] != "http":
                raise
            _log.exception("%s %s failed", scope["method"], printable(scope["path"]))
            if started:
                raise
            sentence = "Dinoscope met an error of its own: the server's log says more, please report it"
            await problem(500, "Unexpected error", sentence, scope["path"])(scope, receive, send)
