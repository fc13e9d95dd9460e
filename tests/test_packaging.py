"""What `pip install` gets: everything that runs, and nothing else. `make dist` then tries it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist of this checkout."""
    if not (ROOT / "src/dinoscope/server/bundle/index.html").exists() and not shutil.which("npm"):
        pytest.skip("the page is not built and Node.js is not installed")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_wheel_holds_what_runs(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("server/bundle/index.html", "sample/ATTRIBUTION.md", "sample/labels.csv", "py.typed"):
        assert f"dinoscope/{name}" in names
    assert sum(name.endswith(".webp") for name in names) == 372
    assert any(name.startswith("dinoscope/models/starter/") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert all(name.startswith(("dinoscope/", "dinoscope-")) for name in names)
    assert not [name for name in names if "__pycache__" in name or "node_modules" in name]
    assert wheel.stat().st_size < 60 * 2**20


def test_the_sdist_builds_and_tests_itself(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    for name in ("Makefile", "LICENSE", "web/package.json", "scripts/hatch_build.py", "tests/conftest.py"):
        assert name in names
    assert "src/dinoscope/server/bundle/index.html" in names, "then a build from it needs no Node"
    assert not [name for name in names if "node_modules" in name or name.startswith(".venv")]


@pytest.mark.parametrize("lock", ["light", "dev", "all"])
def test_every_direct_dependency_is_locked(lock: str) -> None:
    extras = {
        "light": [],
        "dev": ["dev"],
        "all": ["geometry", "heic", "hub", "openvino", "torch", "bench", "reference", "dev"],
    }
    wanted = [*PROJECT["project"]["dependencies"]]
    for extra in extras[lock]:
        wanted += PROJECT["project"]["optional-dependencies"][extra]
    pins = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8").splitlines()
    locked = {normal(line.split("==")[0]) for line in pins if "==" in line}
    assert {normal(need.split(">")[0]) for need in wanted} <= locked


@pytest.mark.parametrize("lock", sorted(path.name for path in (ROOT / "requirements").glob("*.txt")))
def test_a_lock_is_exact_and_names_no_index(lock: str) -> None:
    lines = (ROOT / "requirements" / lock).read_text("utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert pins
    assert all(line.count("==") == 1 and "/" not in line and "+" not in line for line in pins)


def normal(name: str) -> str:
    """pip treats these as one name."""
    return name.strip().lower().replace("_", "-")
