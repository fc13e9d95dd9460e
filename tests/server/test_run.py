"""A real server, asked over real sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tests.server.conftest import Colours, Server, paint, read_all, running

from dinoscope.errors import BadRequest, PortInUse, WeightsUnavailable
from dinoscope.library.library import Library
from dinoscope.operations.session import Session
from dinoscope.server.run import bound, guarded, open_library, serve
from dinoscope.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def test_it_answers(server: Server) -> None:
    answer = server.ask("GET", "/api/v1/about")
    assert status_of(answer) == 200
    assert json.loads(body_of(answer))["library"]["pictures"] == 24
    assert b"server:" not in answer.lower(), "nobody needs to know what it is made of"


def test_a_wrong_host_is_refused(server: Server) -> None:
    for host in (b"Host: evil.example\r\n", b"Host: localhost\r\nHost: evil.example\r\n"):
        answer = server.raw(b"GET /api/v1/about HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n")
        assert status_of(answer) in {400, 421}
    answer = server.raw(b"GET /api/v1/about HTTP/1.0\r\n\r\n")
    assert status_of(answer) == 421


def test_a_foreign_origin_is_refused(server: Server, pictures: Path) -> None:
    body = json.dumps({"kind": "index", "folders": [str(pictures)]}).encode()
    answer = server.ask(
        "POST", "/api/v1/jobs", "Origin: http://evil.example", "Content-Type: text/plain", body=body
    )
    assert status_of(answer) == 403
    assert json.loads(body_of(server.ask("GET", "/api/v1/jobs"))) == {"jobs": []}


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2frun.py",
        "/api/v1/pictures/../../../etc/passwd",
        "/api/v1/pictures/..%2f1/original",
        "//etc/passwd",
    ],
)
def test_no_path_leads_out(server: Server, path: str) -> None:
    answer = server.ask("GET", path)
    assert status_of(answer) in {200, 404, 422, 503}
    assert b"root:" not in answer
    assert b"import" not in body_of(answer).replace(b"important", b"")[:200]


class Sender:
    """Sends chunks for ever, until the server hangs up."""

    def __init__(self, connection: socket.socket) -> None:
        self.sent = 0
        self._connection = connection
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        try:
            while self.sent < 2**30:
                self._connection.sendall(chunk)
                self.sent += 65536
        except OSError:
            return

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.mark.parametrize(
    ("path", "most"), [("/api/v1/queries", 2**20), ("/api/v1/search", 2**20), ("/api/v1/jobs", 2**16)]
)
def test_an_endless_upload_is_refused_long_before_its_end(server: Server, path: str, most: int) -> None:
    with server.connect() as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        sender = Sender(connection)
        answer = connection.recv(65536)
        assert status_of(answer) == 413
        assert b"Connection: close" in answer or b"connection: close" in answer
        while True:
            try:
                if not connection.recv(65536):
                    break
            except ConnectionResetError:
                break
        connection.close()
        sender.join()
    assert sender.sent < most + 64 * 2**20, "what one second of listening and the sockets' buffers take"
    assert status_of(server.ask("GET", "/api/v1/about")) == 200


def test_an_announced_oversize_is_refused_before_a_byte_is_sent(server: Server) -> None:
    for path, length in (
        ("/api/v1/queries", 2**20 + 2**17),
        ("/api/v1/jobs", 2**17),
        ("/api/v1/queries", 10**30),
    ):
        with server.connect() as connection:
            connection.sendall(
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()
            )
            answer = connection.recv(65536)
            assert status_of(answer) in {400, 413}, answer


def test_an_upload_that_breaks_off_harms_nobody(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with server.connect() as connection:
        connection.sendall(
            b"POST /api/v1/queries HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf"
        )
    assert status_of(server.ask("GET", "/api/v1/about")) == 200
    assert "Traceback" not in caplog.text


def test_a_form_from_curl_is_understood(server: Server, tmp_path: Path) -> None:
    paint(7).save(tmp_path / "me.png")
    picture = (tmp_path / "me.png").read_bytes()
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="me.png"\r\n\r\n'
        + picture
        + b"\r\n--b--\r\n"
    )
    answer = server.ask(
        "POST", "/api/v1/search?k=1", "Content-Type: multipart/form-data; boundary=b", body=form
    )
    assert json.loads(body_of(answer))["hits"][0]["picture"]["name"] == "07.png"


def test_events_stream_to_two_clients(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    for seed in range(200, 230):
        paint(seed).save(folder / f"{seed}.png")
    body = json.dumps({"kind": "index", "folders": [str(folder)]}).encode()
    job = json.loads(body_of(server.ask("POST", "/api/v1/jobs", "Content-Type: application/json", body=body)))
    answers: list[bytes] = []

    def listen() -> None:
        answers.append(server.ask("GET", f"/api/v1/jobs/{job['id']}/events"))

    threads = [threading.Thread(target=listen) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 2
    for answer in answers:
        assert b"event: end\ndata: {" in answer
        assert b'"state": "done"' in answer
        assert b"event: progress" in answer
    assert json.loads(body_of(server.ask("GET", "/api/v1/about")))["library"]["pictures"] == 54


def test_stopping_ends_open_event_streams(
    settings: Settings, session: Session, monkeypatch: pytest.MonkeyPatch, pictures: Path
) -> None:
    from tests.server.test_jobs import Held

    held = Held()
    monkeypatch.setattr("dinoscope.server.jobs.index_folders", held)
    with running(settings, session) as server:
        body = json.dumps({"kind": "index", "folders": [str(pictures)]}).encode()
        answer = server.ask("POST", "/api/v1/jobs", "Content-Type: application/json", body=body)
        id = json.loads(body_of(answer))["id"]
        assert held.begun.wait(20)
        with server.connect() as stream:
            stream.sendall(f"GET /api/v1/jobs/{id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            heard = b""
            while b"event: progress" not in heard:
                heard += stream.recv(65536)
            server.serving.stop()
            assert b'"state": "cancelled"' in read_all(stream)


def test_the_whole_way_of_a_token(settings: Settings, session: Session) -> None:
    with running(replace(settings, host="0.0.0.0"), session) as server:
        token = server.serving.token
        assert len(token) >= 32
        assert status_of(server.ask("GET", "/api/v1/about")) == 401
        assert status_of(server.ask("GET", "/api/v1/about", f"Authorization: Bearer {token}")) == 200
        body = json.dumps({"token": token}).encode()
        login = server.ask("POST", "/api/v1/login", "Content-Type: application/json", body=body)
        assert status_of(login) == 204
        cookie = next(line for line in login.decode().split("\r\n") if line.lower().startswith("set-cookie"))
        cookie = cookie.partition(": ")[2].partition(";")[0]
        assert status_of(server.ask("GET", "/api/v1/about", f"Cookie: {cookie}")) == 200
        assert status_of(server.ask("GET", "/api/v1/about", f"Cookie: {cookie[:-1]}")) == 401


def test_a_forwarded_header_does_not_let_anybody_in(settings: Settings, session: Session) -> None:
    with running(replace(settings, host="0.0.0.0"), session) as server:
        spoofed = ("X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: localhost", "Forwarded: for=127.0.0.1")
        assert status_of(server.ask("GET", "/api/v1/folders", *spoofed)) == 401


def test_a_taken_port_is_one_sentence(settings: Settings, session: Session) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"port {port} .*--port"):
            serve(replace(settings, port=port), session=session)


def test_an_address_of_another_machine_is_one_sentence() -> None:
    for host in ("192.0.2.1", "no such host.invalid", "a" * 300):
        with pytest.raises(BadRequest, match="no address of this machine"):
            bound(host, 0)


def test_a_model_that_cannot_be_loaded_is_told_before_anything_is_served(
    settings: Settings, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(settings: Settings) -> None:
        raise WeightsUnavailable("the weights are not here: fetch them")

    monkeypatch.setattr("dinoscope.models.loading.load_backbone", refuse)
    told: list[object] = []
    with pytest.raises(WeightsUnavailable):
        serve(settings, told.append)
    assert told == []


def test_loopback_has_no_token_and_the_network_always_has_one(settings: Settings) -> None:
    assert guarded(settings).token == ""
    one, other = (guarded(replace(settings, host="0.0.0.0")).token for _ in range(2))
    assert one != other
    assert guarded(replace(settings, host="0.0.0.0", token="chosen with care")).token == "chosen with care"


@pytest.mark.parametrize("token", ["short", "ä long enough token"])
def test_a_token_that_is_easy_to_guess_is_refused(settings: Settings, token: str) -> None:
    with pytest.raises(BadRequest, match="token"):
        guarded(replace(settings, host="0.0.0.0", token=token))


def test_a_missing_library_is_made(settings: Settings, tmp_path: Path) -> None:
    fresh = replace(settings, library=tmp_path / "fresh")
    with Session(open_library(fresh), fresh, Colours()) as session, running(fresh, session) as server:
        assert json.loads(body_of(server.ask("GET", "/api/v1/pictures")))["total"] == 0
        answer = server.ask("POST", "/api/v1/search", body=_png(tmp_path))
        assert status_of(answer) == 200
        assert json.loads(body_of(answer))["hits"] == []


def _png(folder: Path) -> bytes:
    paint(1).save(folder / "one.png")
    return (folder / "one.png").read_bytes()


SCRIPT = """
import sys
from pathlib import Path
from dinoscope.settings import Settings
from dinoscope.operations.session import Session
from dinoscope.server.run import open_library, serve
from tests.server.conftest import Colours
settings = Settings(library=Path(sys.argv[1]), port=0)
with Session(open_library(settings), settings, Colours()) as session:
    serve(settings, lambda serving: print(serving.url, flush=True), session)
print("went on after a graceful end")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_gracefully(settings: Settings, sign: signal.Signals) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(settings.library)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url.startswith("http://127.0.0.1:"), process.communicate()
    with socket.create_connection(("127.0.0.1", int(url.rstrip("/").rpartition(":")[2])), timeout=20) as idle:
        process.send_signal(sign)
        idle.settimeout(20)
        _, told = process.communicate(timeout=60)
    assert process.returncode in {-sign, 130, 1}
    assert "Traceback" not in told or "KeyboardInterrupt" in told
    Library.open(settings.library, write=True).close()


def test_only_this_package_needs_the_web_framework() -> None:
    code = (
        "import sys, dinoscope.operations.session; print('fastapi' in sys.modules, 'uvicorn' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "False"]
