"""kill -9 at any moment loses no committed row, and leaves a library that is sound and goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.library.conftest import MODEL, content, found, parts

from dinoscope.errors import NoLibrary
from dinoscope.library.library import Library
from dinoscope.library.records import Picture

KILLS = 50
WRITER = Path(__file__).with_name("killed.py")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_fifty_kills_lose_no_committed_picture(folder: Path) -> None:
    dice = random.Random(1)
    safe: set[int] = set()  # said to be committed, or seen to be
    doubtful: set[int] = set()  # being removed when the writer died, or before
    told: set[int] = set()  # whose region tokens are committed
    following = _started(folder)
    for kill in range(KILLS):
        writer, following = following, _started(folder)
        said = _killed(
            writer, first=max(safe, default=-1) + 1, lines=dice.randrange(40), pause=dice.uniform(0.0, 0.03)
        )
        safe |= {int(line[1:]) for line in said if line.startswith("+")}
        doubtful |= {int(line[1:]) for line in said if line.startswith("?")}
        told |= {int(line[1:]) for line in said if line.startswith("*")}
        try:
            reader = Library.open(folder)  # before any writer could clear up
        except NoLibrary:
            assert not safe, "killed before there was anything"
            continue
        with reader:
            assert list(reader.verify()) == [], f"after kill {kill}"
            there = {int(picture.content, 16) for picture in _all(reader)}
            assert safe - doubtful <= there, f"after kill {kill}"
            assert len(there - safe) <= 7, "at most one batch may be committed and not yet reported"
            assert not there or reader.shelf(MODEL.key).count == len(there)
            for number in told - doubtful:
                assert tokens_of(reader, number) == parts(number).vectors.tobytes(), f"after kill {kill}"
        safe |= there
    following.kill()
    following.communicate()
    with Library.open(folder, write=True) as library:
        kept = min(safe - doubtful)
        assert found(library, kept) == [kept]
        library.compact()
        assert list(library.verify()) == []
        assert len(told) > KILLS
        assert all(
            tokens_of(library, number) == parts(number).vectors.tobytes() for number in told - doubtful
        )
        assert all(library.thumbnail(content(number)) for number in safe - doubtful)
        assert [path.name for path in library.folder.rglob("*.part*")] == []
    assert len(safe) > 5 * KILLS, "the writer hardly ran: nothing was tested"


def tokens_of(library: Library, number: int) -> bytes | None:
    """The stored tokens of a content, as they lie in the file; None where there are none."""
    with library.shelf(MODEL.key).tokens() as view:
        row = view.row_of(content(number))
        return None if row is None else view.read(np.array([row])).vectors[0].tobytes()


def _started(folder: Path) -> subprocess.Popen[bytes]:
    """A writer that has yet to be told to begin: importing takes longer than what is tested."""
    return subprocess.Popen(
        [sys.executable, str(WRITER), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def _killed(writer: subprocess.Popen[bytes], first: int, lines: int, pause: float) -> list[str]:
    """What the writer said (whole lines only) before it was killed: ``pause`` seconds after so many."""
    assert writer.stdin is not None
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"ready\n"
    writer.stdin.write(f"{first}\n".encode())
    writer.stdin.flush()
    said = b"".join(writer.stdout.readline() for _ in range(lines)).decode()
    time.sleep(pause)
    writer.send_signal(signal.SIGKILL)
    with writer:  # closes the pipes and waits
        said += writer.stdout.read().decode()
    return said[: said.rfind("\n") + 1].splitlines()


def _all(library: Library) -> list[Picture]:
    pictures: list[Picture] = []
    after = None
    while True:
        page = library.page(after=after, limit=1000)
        pictures += page.pictures
        after = page.next
        if after is None:
            return pictures
