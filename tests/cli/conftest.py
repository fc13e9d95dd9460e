"""The real command in a real process, with a tiny real model, so that a call costs a second at most."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from dinoscope.models.config import VitConfig

SOURCE = Path(__file__).parents[2] / "src"
CONFIG = VitConfig(64, 1, 1, 16, "plain", position_grid=(4, 4), mlp_ratio=1.0)


def paint(path: Path, seed: int, size: tuple[int, int] = (48, 36)) -> Path:
    """A picture file of random coloured fields; its ending chooses the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    Image.fromarray(fields).resize(size, Image.Resampling.NEAREST).save(path)
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vision transformer of one block with random weights, in a file of our own format."""
    rng = np.random.default_rng(0)
    tensors = {
        name: (0.2 * rng.standard_normal(shape) + (".norm" in name)).astype(np.float32)
        for name, shape in CONFIG.shapes().items()
    }
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_file(tensors, path, {"config": json.dumps(asdict(CONFIG))})
    return path


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Dinoscope:
    """Runs ``dinoscope`` with a library, cache and model of the test's own."""

    environment: dict[str, str]
    library: Path

    def __call__(self, *arguments: str | Path, stdin: bytes | None = None, **more: Any) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "dinoscope", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            env=self.environment,
            timeout=120,
            check=False,
            **more,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments: str | Path, **more: Any) -> subprocess.Popen[bytes]:
        """Without waiting for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "dinoscope", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
            **more,
        )


def command(home: Path, cache: Path, model: Path) -> Dinoscope:
    """The command with everything it may write below ``home`` and ``cache``."""
    own = {
        "DINOSCOPE_LIBRARY": str(home / "library"),
        "DINOSCOPE_CACHE": str(cache),
        "DINOSCOPE_MODEL": str(model),
        "DINOSCOPE_MODELS": str(home / "models"),
        "DINOSCOPE_RUNS": str(home / "runs"),
        "DINOSCOPE_CONFIG": str(home / "config.toml"),
        "DINOSCOPE_OFFLINE": "1",
        "DINOSCOPE_THREADS": "1",
        "PYTHONPATH": str(SOURCE),
        "PYTHONWARNINGS": "error",
    }
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("DINOSCOPE_")}
    return Dinoscope(inherited | own, home / "library")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def dinoscope(tmp_path: Path, cache: Path, tiny_model: Path) -> Dinoscope:
    return command(tmp_path, cache, tiny_model)


def eight(root: Path) -> Path:
    """Eight pictures in two folders."""
    for seed in range(8):
        paint(root / ("a" if seed < 4 else "b") / f"{seed}.png", seed)
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of the test's own."""
    return eight(tmp_path / "pictures")


@pytest.fixture(scope="session")
def indexed_once(tmp_path_factory: pytest.TempPathFactory, cache: Path, tiny_model: Path) -> Path:
    """A home with pictures and their library."""
    home = tmp_path_factory.mktemp("home")
    ran = command(home, cache, tiny_model)("index", eight(home / "pictures"))
    assert ran.code == 0, ran.err
    return home


@pytest.fixture
def indexed(dinoscope: Dinoscope, indexed_once: Path) -> Path:
    """Pictures, not to be touched, and in ``dinoscope.library`` a copy of their library."""
    shutil.copytree(indexed_once / "library", dinoscope.library)
    return indexed_once / "pictures"
