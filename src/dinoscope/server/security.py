"""Who may ask, from where, and what a browser may do with the answer: ASGI middlewares, outermost first.

Against DNS rebinding: a Host that is not ours is refused. Against other sites in the same browser:
a request for anything but the page must come from our own page. Against the network: a bearer token, whenever
the server listens beyond this machine.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import socket
from dataclasses import dataclass, field
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dinoscope.server.guessing import Guesses
from dinoscope.server.problems import problem

COOKIE = "dinoscope_session"
LOGIN = "/api/v1/login"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"(?:\[([^\[\]@,\s]+)\]|([^\[\]:@,/\s]+))(?::[0-9]{0,5})?")  # RFC 9110, 7.2
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",  # blob: shows a dropped picture before it is uploaded
        "media-src 'self'",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # "no-referrer" would make forms send Origin: null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",  # no other site can embed a picture
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
}


@dataclass(frozen=True, slots=True)
class Access:
    """Who is let in. ``token`` empty: everybody who can reach a loopback address."""

    host: str  # the address the server binds to
    token: str = field(default="", repr=False)

    @property
    def loopback(self) -> bool:
        return is_loopback(self.host)

    def knows_host(self, name: str) -> bool:
        """May a request name this host? Numbers cannot be rebound, names can.

        >>> Access("127.0.0.1").knows_host("localhost"), Access("127.0.0.1").knows_host("evil.example")
        (True, False)
        """
        name = name.lower().rstrip(".")
        if name in LOOPBACK_NAMES or name == self.host.lower():
            return True
        if self.loopback:
            return False
        own = socket.gethostname().lower()
        return _is_address(name) or name in {own, f"{own}.local", own.partition(".")[0]}

    @property
    def cookie(self) -> str:
        """What a browser that logged in sends: it proves the token without holding it."""
        return hmac.new(self.token.encode(), b"dinoscope browser session", hashlib.sha256).hexdigest()

    def accepts_token(self, token: str) -> bool:
        return not self.token or hmac.compare_digest(token.encode(), self.token.encode())

    def admits(self, headers: Headers) -> bool:
        """Does the request carry the token, or the cookie a login gave?"""
        if not self.token:
            return True
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.accepts_token(given.strip()):
            return True
        return hmac.compare_digest(_cookie(headers).encode(), self.cookie.encode())


def is_loopback(host: str) -> bool:
    """Does the address reach this machine only? An unknown name counts as the network."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _cookie(headers: Headers) -> str:
    """Without http.cookies, which takes half a second for 15 KB of backslashes (CVE-2024-7592)."""
    for pair in headers.get("cookie", "").split(";"):
        name, _, value = pair.partition("=")
        if name.strip() == COOKIE:
            return value.strip()
    return ""


def host_name(header: str) -> str:
    """The name in a Host header, without port and brackets; empty where it is no name and port.

    >>> host_name("[::1]:7766"), host_name("localhost:7766"), host_name("localhost")
    ('::1', 'localhost', 'localhost')
    >>> host_name("localhost:7766@evil.example")
    ''
    """
    parts = _HOST.fullmatch(header)
    return (parts[1] or parts[2]) if parts else ""


class SafeHeaders:
    """Every response tells the browser to run only our own files and to guess no types."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


class Gate:
    """Refuses a foreign Host (421), a foreign Origin (403) and, beyond loopback, a missing token (401).

    Who sends wrong tokens must wait (429), even with the right one: else guessing would only be slower.
    """

    def __init__(self, app: ASGIApp, access: Access, guesses: Guesses | None = None) -> None:
        self._app = app
        self._access = access
        self._guesses = guesses or Guesses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        refused = self._refusal(scope, Headers(scope=scope))
        if refused is None:
            sending = self._counted(scope, send) if scope["path"] == LOGIN else send
            return await self._app(scope, receive, sending)
        status, title, sentence, extra = refused
        return await problem(status, title, sentence, scope["path"], extra)(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str, str, dict[str, str]] | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._access.knows_host(host_name(hosts[0])):
            return 421, "Misdirected request", _WRONG_HOST, {}
        path, api = scope["path"], _is_api(scope["path"])
        # Reading, too: an event stream or a search from elsewhere costs work, and its time tells something.
        if (api or scope["method"] not in SAFE) and _foreign(headers, hosts[0]):
            return 403, "Forbidden", _FOREIGN, {}
        guessed = path == LOGIN or "authorization" in headers
        if guessed and self._access.token and (seconds := self._guesses.wait(_client(scope))):
            return 429, "Too many guesses", _GUESSED, {"Retry-After": str(seconds)}
        if not api or path == LOGIN or self._access.admits(headers):
            return None
        if guessed:
            self._guesses.wrong(_client(scope))
        return 401, "Log in", _NO_TOKEN, {"WWW-Authenticate": "Bearer"}

    def _counted(self, scope: Scope, send: Send) -> Send:
        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 401:
                self._guesses.wrong(_client(scope))
            await send(message)

        return counting


def _is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def _client(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])


_WRONG_HOST = (
    "this server does not go by that name: use the address that “dinoscope serve” printed, "
    "or start it with --host and the name"
)
_FOREIGN = "another site may not use this library: use Dinoscope's own page or the command line"
_GUESSED = "too many wrong tokens came from there: wait, and copy it from where “dinoscope serve” was started"
_NO_TOKEN = (
    "this server asks for its access token: send “Authorization: Bearer …” or log in; "
    "“dinoscope serve” printed it"
)


def _foreign(headers: Headers, host: str) -> bool:
    """Does a browser say the request comes from another origin? Other clients send neither header."""
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in {f"http://{host.lower()}", f"https://{host.lower()}"}:
        return True
    return headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}
