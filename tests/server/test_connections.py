"""Connections that want to be kept for ever, over real sockets."""

from __future__ import annotations

import socket

import pytest
from tests.server.conftest import Server, read_all

from dinoscope.server import connections
from dinoscope.server.security import HEADERS, POLICY

SHORT = 0.3


def closed(connection: socket.socket) -> bytes:
    """What comes until the server hangs up."""
    try:
        return read_all(connection)
    except ConnectionResetError:
        return b"reset"


@pytest.mark.parametrize(
    "begun",
    [b"", b"G", b"GET /api/v1/about HTTP/1.1\r\nHost: localhost\r\nX-Slow: "],
    ids=["silent", "letter", "header"],
)
def test_a_head_that_never_ends_is_not_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", SHORT)
    with server.connect() as connection:
        connection.sendall(begun)
        assert closed(connection) in {b"", b"reset"}
    assert b" 200 " in server.ask("GET", "/api/v1/about")


def test_a_drop_now_and_then_buys_no_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", SHORT)
    with server.connect() as connection:
        connection.settimeout(0.05)
        for _ in range(200):
            try:
                connection.sendall(b"G")
                if not connection.recv(10):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            pytest.fail("still listened to")


def test_a_body_nobody_wants_is_not_listened_to_for_ever(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", SHORT)
    with server.connect() as connection:
        connection.sendall(
            b"POST /api/v1/queries HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 99999\r\n\r\nx"
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 421")
        connection.sendall(b"y")
        assert b"HTTP" not in closed(connection)


def test_between_two_requests_there_is_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep-alive has its own, longer time: a page that is being read must not reconnect at each click."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", SHORT)
    asked = b"GET /api/v1/about HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with server.connect() as connection:
        for _ in range(2):
            connection.sendall(asked)
            answer = b""
            while b'"auth"' not in answer:
                answer += connection.recv(65536)
            connection.settimeout(3 * SHORT)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            connection.settimeout(20)


def test_an_answer_nobody_reads_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READ_SECONDS", SHORT)
    asked = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with server.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):  # noqa: PT012  the server ends it while more is being asked
            for _ in range(100_000):
                connection.sendall(asked)


def test_more_connections_than_the_server_takes_are_told_so(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST", 3)
    held = [server.connect() for _ in range(3)]
    try:
        for one in held:  # answered: so they are counted
            one.sendall(b"GET /api/v1/about HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert one.recv(65536).startswith(b"HTTP/1.1 200")
        with server.connect() as late:
            answer = read_all(late)
        assert answer.startswith(b"HTTP/1.1 429")
        assert b"Retry-After: 5" in answer
    finally:
        for one in held:
            one.close()
    with server.connect() as again:
        again.sendall(b"GET /api/v1/about HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert read_all(again)[9:12] in {b"200", b"429"}


@pytest.mark.parametrize(
    "nonsense",
    [b"\0\1\2\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nBad Name: x\r\n\r\n"],
)
def test_nonsense_is_answered_with_the_headers_of_every_answer(server: Server, nonsense: bytes) -> None:
    answer = server.raw(nonsense)
    assert answer.startswith(b"HTTP/1.1 400")
    for name in HEADERS:
        assert name.lower().encode() in answer.lower()
    assert POLICY.encode() in answer


def test_nonsense_after_a_request_ends_the_connection(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    answer = server.raw(b"GET /api/v1/about HTTP/1.1\r\nHost: localhost\r\n\r\n\0nonsense\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))
    assert "Traceback" not in caplog.text
    assert b" 200 " in server.ask("GET", "/api/v1/about")
