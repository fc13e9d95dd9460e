"""The page's builder: builds when it must, never when it need not, and says what is missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "scripts" / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files the builder looks at, without a bundle."""
    web = tmp_path / "web"
    for name in ("package.json", "package-lock.json", "index.html", "tsconfig.json", "vite.config.ts"):
        (web / name).parent.mkdir(parents=True, exist_ok=True)
        (web / name).write_text(f"{name}\nsecond line\n")
    for name in ("src/main.tsx", "public/assets/theme.js"):
        (web / name).parent.mkdir(parents=True)
        (web / name).write_text(name)
    return tmp_path


def plant_bundle(builder: ModuleType, checkout: Path) -> None:
    """What a build leaves behind."""
    bundle = builder.bundle_folder(checkout)
    bundle.mkdir(parents=True)
    (bundle / builder.STAMP).write_text(builder.source_hash(checkout / "web"))


def test_without_node_one_sentence_says_what_to_do(
    builder: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(builder.BundleNotBuilt, match=r"Node\.js is not installed: install"):
        builder.build(checkout)


def test_a_bundle_that_came_along_needs_no_node(
    builder: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_bundle(builder, checkout)
    monkeypatch.setenv("PATH", "")
    assert builder.build(checkout) is False


@pytest.mark.parametrize(
    "name", ["src/main.tsx", "package-lock.json", "public/assets/theme.js", "index.html"]
)
def test_a_changed_source_makes_the_bundle_stale(builder: ModuleType, checkout: Path, name: str) -> None:
    plant_bundle(builder, checkout)
    (checkout / "web" / name).write_text("changed")
    assert not builder.is_fresh(checkout)


def test_a_new_a_renamed_and_a_lost_source_make_it_stale(builder: ModuleType, checkout: Path) -> None:
    plant_bundle(builder, checkout)
    source = checkout / "web" / "src"
    (source / "more.ts").write_text("")
    assert not builder.is_fresh(checkout)
    (source / "more.ts").unlink()
    assert builder.is_fresh(checkout)
    (source / "main.tsx").rename(source / "other.tsx")
    assert not builder.is_fresh(checkout)


def test_windows_line_endings_do_not_count(builder: ModuleType, checkout: Path) -> None:
    before = builder.source_hash(checkout / "web")
    page = checkout / "web" / "index.html"
    page.write_bytes(page.read_bytes().replace(b"\n", b"\r\n"))
    assert builder.source_hash(checkout / "web") == before


def test_an_editable_install_builds_nothing(
    builder: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    hook = builder.CustomBuildHook.__new__(builder.CustomBuildHook)
    hook.initialize("editable", {})
    assert not builder.bundle_folder(checkout).exists()


def test_the_lock_file_names_no_registry_but_npms() -> None:
    text = (ROOT / "web" / "package-lock.json").read_text("utf-8")
    lines = [line for line in text.splitlines() if '"resolved"' in line]
    assert all('"https://registry.npmjs.org/' in line for line in lines)
