"""kill -9 of the real ``dinoscope index`` at random moments: no committed row is lost, and it resumes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from dinoscope.errors import NoLibrary
from dinoscope.library.library import Library
from dinoscope.models.config import VitConfig

PICTURES_A_KILL = 400
CONFIG = VitConfig(64, 1, 1, 16, "plain", position_grid=(4, 4), mlp_ratio=1.0)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A tiny model with random weights: what is tested is what surrounds it."""
    rng = np.random.default_rng(0)
    tensors = {
        name: (0.2 * rng.standard_normal(shape) + (".norm" in name)).astype(np.float32)
        for name, shape in CONFIG.shapes().items()
    }
    save_file(tensors, tmp_path / "tiny.safetensors", {"config": json.dumps(asdict(CONFIG))})
    return os.environ | {
        "DINOSCOPE_LIBRARY": str(tmp_path / "library"),
        "DINOSCOPE_CACHE": str(tmp_path / "cache"),
        "DINOSCOPE_MODEL": str(tmp_path / "tiny.safetensors"),
        "DINOSCOPE_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
    }


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("kills", [10, pytest.param(50, marks=pytest.mark.slow)])
def test_a_killed_index_loses_no_committed_picture(
    tmp_path: Path, environment: dict[str, str], kills: int
) -> None:
    total = PICTURES_A_KILL * kills
    pictures = many(tmp_path / "pictures", total)
    dice = random.Random(kills)
    kept: set[Path] = set()
    unfinished = 0
    for kill in range(kills):
        unfinished += killed(pictures, environment, tmp_path / "library", len(kept), dice.uniform(0, 0.1))
        try:
            library = Library.open(tmp_path / "library")  # a reader first: it must see a sound library, too
        except NoLibrary:
            assert not kept
            continue
        with library:
            assert list(library.verify()) == [], f"after kill {kill}"
            there = paths(library)
        assert kept <= there, f"kill {kill} lost {len(kept - there)} pictures"
        kept = there
    assert unfinished >= kills * 0.8, "the index was hardly ever caught at work"
    assert len(kept) > 0
    last = json.loads(run(pictures, environment, "--json").communicate()[0])
    assert last["added"] + last["known"] == total
    assert last["known"] >= len(kept)
    with Library.open(tmp_path / "library") as library:
        assert list(library.verify()) == []
        assert paths(library) == set(pictures.iterdir())
        (shelf,) = library.info().shelves
        assert shelf.regions == shelf.vectors == total, "what a kill left without region tokens is completed"


def many(folder: Path, count: int) -> Path:
    """Files of a few hundred bytes, each different."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    for number in range(count):
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(folder / f"{number:05}.bmp")
    return folder


def run(pictures: Path, environment: dict[str, str], *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dinoscope", "index", str(pictures), *options]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def killed(pictures: Path, environment: dict[str, str], folder: Path, before: int, after: float) -> bool:
    """Kill an index run ``after`` seconds after its first commit; False when it had ended by itself."""
    process = run(pictures, environment)
    deadline = time.monotonic() + 60
    while process.poll() is None and count(folder) <= before and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def count(folder: Path) -> int:
    try:
        with Library.open(folder) as library:
            return library.count()
    except NoLibrary:
        return 0


def paths(library: Library) -> set[Path]:
    found: set[Path] = set()
    after: str | None = None
    while True:
        page = library.page(after=after, limit=1000)
        found |= {picture.path for picture in page.pictures}
        after = page.next
        if after is None:
            return found
