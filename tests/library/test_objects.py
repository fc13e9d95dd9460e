"""The files of what was taught: whole after a crash, nowhere after they are forgotten."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dinoscope.library.objects import FOLDER, ObjectFiles

SOURCE = Path(__file__).parents[2] / "src"
WRITES = """
import sys
from pathlib import Path
from dinoscope.library.objects import ObjectFiles
files = ObjectFiles(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    with files.changing():
        files.put("keys", bytes([65 + number % 26]) * 300_000)
        if number % 5 == 0:
            files.forget("keys")
    print(number, flush=True)
"""


@pytest.fixture
def files(tmp_path: Path) -> ObjectFiles:
    return ObjectFiles(tmp_path)


def test_what_is_kept_comes_back_under_any_case(files: ObjectFiles) -> None:
    with files.changing():
        files.put("Café/..", b"one")
    assert files.get("CAFE\u0301/..") == b"one"
    assert list(files.each()) == [b"one"]
    assert files.get("cafe") is None


def test_what_is_replaced_leaves_no_bytes(files: ObjectFiles, tmp_path: Path) -> None:
    with files.changing():
        files.put("keys", b"secret" * 1000)
    kept = next((tmp_path / FOLDER).glob("*.npz"))
    with kept.open("rb") as old:
        before = files.stamp
        with files.changing():
            files.put("keys", b"public")
        assert set(old.read()) == {0}
    assert files.get("keys") == b"public"
    assert files.stamp != before


def test_a_second_name_left_by_a_crash_does_no_harm(files: ObjectFiles, tmp_path: Path) -> None:
    """Killed between naming what is replaced and replacing it."""
    with files.changing():
        files.put("keys", b"wanted")
    kept = next((tmp_path / FOLDER).glob("*.npz"))
    os.link(kept, kept.with_suffix(".1-1.gone"))
    with files.changing():
        pass
    assert files.get("keys") == b"wanted"
    assert not list((tmp_path / FOLDER).glob("*.gone"))


def test_killed_at_any_moment_a_file_is_whole_or_gone(files: ObjectFiles, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(SOURCE)}
    for steps in (1, 4, 7):
        with subprocess.Popen(
            [sys.executable, "-c", WRITES, str(tmp_path)], stdout=subprocess.PIPE, env=environment
        ) as writer:
            assert writer.stdout is not None
            for _ in range(steps):
                writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
        data = files.get("keys")
        assert data is None or (len(data), len(set(data))) == (300_000, 1)
    with files.changing():
        pass
    assert {path.suffix for path in (tmp_path / FOLDER).iterdir()} <= {".npz", ".lock"}
