"""Soak: a mixed load on a server for minutes, and what it does to time, errors and memory.

    python benchmarks/soak.py --minutes 5 --clients 6

A copy of the sample pictures is indexed and served with the default model, on loopback, in a process of
its own. So many clients then do, over and over and at random, what people do at the page: look through
listings and thumbnails, search by picture and by upload, mark a part, match two pictures, send a file
that is none. One more forgets pictures and has the folder indexed again. The first fifth of the time
fills caches; growth is the median of the last two fifths less that of the two before.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median
from threading import Event, Lock, Thread
from time import perf_counter, sleep
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]

from dinoscope.sample import PICTURES

API = "/api/v1"
EVERY = 1.0  # seconds between two looks at the process
GOOD = {200, 201, 202, 204, 304}
FAIR = {404, 409, 429}  # another client forgot it; one job at a time; as much to do as it takes on


@dataclass
class Tally:
    """What all clients saw."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    guard: Lock = field(default_factory=Lock)

    def note(self, kind: str, seconds: float, status: int, wanted: set[int]) -> None:
        with self.guard:
            self.seconds.setdefault(kind, []).append(seconds)
            self.statuses[f"{kind} {status}"] += 1
            if status not in wanted:
                self.errors.append(f"{kind}: {status}")


@dataclass(frozen=True, slots=True)
class Look:
    """The server's process and its decoders at one moment."""

    at: float  # seconds since the start
    resident: int  # bytes, without the decoders
    decoders: int  # bytes
    files: int
    threads: int
    temporary: int  # files in its folder for temporary ones


class Client:
    """One person at the page."""

    def __init__(self, address: str, tally: Tally, seed: int) -> None:
        self._address = address
        self._tally = tally
        self._dice = random.Random(seed)
        self._connection = HTTPConnection(address, timeout=120)
        self._sent: list[str] = []
        self._ids = list(range(1, 200))
        self._files = sorted(path for path in PICTURES.rglob("*") if path.is_file())

    def ask(
        self,
        kind: str,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        wanted: set[int] = GOOD | FAIR,
        json: bool = False,
    ) -> bytes:
        started = perf_counter()
        headers = {"Content-Type": "application/json" if json else "application/octet-stream"} if body else {}
        try:
            self._connection.request(method, API + path, body or None, headers)
            answer = self._connection.getresponse()
            data, status = answer.read(), answer.status
        except (OSError, HTTPException) as error:
            self._connection.close()
            with self._tally.guard:
                self._tally.errors.append(f"{kind}: {type(error).__name__}")
            return b""
        self._tally.note(kind, perf_counter() - started, status, wanted)
        return data if status in GOOD else b""

    def one(self) -> int:
        return self._dice.choice(self._ids)

    def listing(self) -> None:
        page = self.ask(
            "listing", "GET", f"/pictures?limit=100&descending={self._dice.choice(['true', 'false'])}"
        )
        if page:
            self._ids = [one["id"] for one in json.loads(page)["pictures"]] or self._ids

    def thumbnails(self) -> None:
        for _ in range(12):
            self.ask(
                "thumbnail",
                "GET",
                f"/pictures/{self.one()}/thumbnail?side={self._dice.choice([160, 320, 640])}",
            )

    def image(self) -> None:
        self.ask("image", "GET", f"/pictures/{self.one()}/image?side=1600")

    def search(self) -> None:
        self.ask("search", "GET", f"/search?like={self.one()}&k=60")

    def upload(self) -> None:
        data = self._dice.choice(self._files).read_bytes()
        made = self.ask("upload", "POST", "/queries", data, wanted={201, 422, 429})  # 422: a face
        if made:
            self._sent = [*self._sent[-3:], json.loads(made)["query"]]
            self.ask("search by upload", "GET", f"/search?like={self._sent[-1]}")

    def junk(self) -> None:
        data = bytearray(self._dice.choice(self._files).read_bytes()[:20_000])
        data[:40] = self._dice.randbytes(40)
        self.ask("junk upload", "POST", "/queries", bytes(data), wanted={415, 413, 429})

    def region(self) -> None:
        asked = {"picture": str(self.one()), "boxes": [[20, 20, 180, 160]], "refine": False}
        body = json.dumps(asked).encode()
        self.ask("part", "POST", "/search/region?k=30", body, wanted=GOOD | FAIR | {422}, json=True)

    def match(self) -> None:
        self.ask("match", "GET", f"/match?here={self.one()}&there={self.one()}", wanted=GOOD | FAIR)

    def look(self) -> None:
        self.ask("look", "GET", f"/look?picture={self.one()}")

    def forget(self) -> None:
        self.ask("forget", "DELETE", f"/pictures/{self.one()}")


USUAL: tuple[tuple[Callable[[Client], None], int], ...] = (
    (Client.listing, 6),
    (Client.thumbnails, 6),
    (Client.image, 3),
    (Client.search, 8),
    (Client.upload, 3),
    (Client.junk, 2),
    (Client.region, 3),
    (Client.match, 1),
    (Client.look, 1),
)


def main() -> int:
    """Print the tables; 1 where something failed."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--minutes", type=float, default=5)
    options.add_argument("--clients", type=int, default=6)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as home, served(Path(home)) as (process, address, pictures):
        tally, looks = soak(process, address, pictures, asked.minutes * 60, asked.clients)
    print(f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}, ", end="")
    print(
        f"load {os.getloadavg()[0]:.1f}, {datetime.now(UTC):%Y-%m-%d}, "
        f"{asked.minutes:g} min, {asked.clients} clients"
    )
    report(tally, looks)
    return 1 if tally.errors else 0


@contextmanager
def served(home: Path) -> Iterator[tuple[psutil.Process, str, Path]]:
    """A server of its own: its process, its address, and the folder it shows."""
    pictures, temporary = home / "pictures", home / "tmp"
    shutil.copytree(PICTURES, pictures)
    temporary.mkdir()
    told = {"DINOSCOPE_LIBRARY": str(home / "library"), "DINOSCOPE_PORT": "0", "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "dinoscope"]
    subprocess.run(
        [*command, "index", str(pictures)], env=os.environ | told, check=True, stdout=subprocess.DEVNULL
    )
    server = subprocess.Popen([*command, "serve"], env=os.environ | told, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        while "http://" not in (line := server.stdout.readline()):
            assert line, "the server did not start"
        url = line[line.index("http://") :].split()[0]
        yield psutil.Process(server.pid), urlsplit(url).netloc, pictures
    finally:
        server.terminate()
        server.wait(60)


def soak(
    process: psutil.Process, address: str, pictures: Path, seconds: float, clients: int
) -> tuple[Tally, list[Look]]:
    """The load, and a look at the process each second."""
    tally, stop, looks = Tally(), Event(), []
    threads = [Thread(target=person, args=(address, tally, stop, seed)) for seed in range(clients)]
    threads.append(Thread(target=keeper, args=(address, tally, stop, pictures)))
    for thread in threads:
        thread.start()
    started = perf_counter()
    while perf_counter() - started < seconds:
        looks.append(looked(process, perf_counter() - started, pictures.parent / "tmp"))
        sleep(EVERY)
    stop.set()
    for thread in threads:
        thread.join()
    return tally, looks


def person(address: str, tally: Tally, stop: Event, seed: int) -> None:
    """Ask, as people do, until it is over."""
    client, dice = Client(address, tally, seed), random.Random(1000 + seed)
    acts, weights = zip(*USUAL, strict=True)
    while not stop.is_set():
        dice.choices(acts, weights)[0](client)
        stop.wait(dice.random() * 0.1)


def keeper(address: str, tally: Tally, stop: Event, pictures: Path) -> None:
    """Forget a few pictures, then have the folder indexed again, over and over."""
    client = Client(address, tally, 99)
    body = json.dumps({"kind": "index", "folders": [str(pictures)]}).encode()
    while not stop.wait(5):
        client.listing()
        for _ in range(3):
            client.forget()
        client.ask("job", "POST", "/jobs", body, json=True)


def looked(process: psutil.Process, at: float, temporary: Path) -> Look:
    """How large it is."""
    decoders = 0
    for child in process.children():
        try:
            decoders += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    files = sum(1 for path in temporary.rglob("*") if path.is_file())
    return Look(at, process.memory_info().rss, decoders, process.num_fds(), process.num_threads(), files)


def report(tally: Tally, looks: list[Look]) -> None:
    """By kind of request, then the process over time."""
    print(f"\n{'':18}{'requests':>9}{'p50 ms':>9}{'p99 ms':>9}{'worst ms':>10}  answers")
    for kind, seconds in sorted(tally.seconds.items()):
        ordered = sorted(seconds)
        last = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
        said = {name.split()[-1]: n for name, n in tally.statuses.items() if name.rpartition(" ")[0] == kind}
        numbers = f"{1e3 * median(ordered):9.0f}{1e3 * last:9.0f}{1e3 * ordered[-1]:10.0f}"
        answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(said.items()))
        print(f"{kind:18}{len(ordered):9,}{numbers}  {answers}")
    print(f"errors: {len(tally.errors)} {Counter(tally.errors).most_common(5) if tally.errors else ''}")
    warm = [look for look in looks if look.at >= looks[-1].at / 5]
    first, second = warm[: len(warm) // 2], warm[len(warm) // 2 :]
    print(f"\n{'':18}{'at first':>9}{'later':>9}{'growth':>9}{'most':>9}")
    for name, read in (
        ("resident MB", lambda look: look.resident / 2**20),
        ("decoders MB", lambda look: look.decoders / 2**20),
        ("open files", lambda look: look.files),
        ("threads", lambda look: look.threads),
        ("temporary files", lambda look: look.temporary),
    ):
        early, late = median(map(read, first)), median(map(read, second))
        print(f"{name:18}{early:9.0f}{late:9.0f}{late - early:+9.0f}{max(map(read, looks)):9.0f}")


if __name__ == "__main__":
    sys.exit(main())
