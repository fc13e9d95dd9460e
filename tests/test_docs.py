"""The documentation is proved: its code runs, its options exist and are complete, its links resolve."""

from __future__ import annotations

import ast
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from dinoscope.sample import PICTURES
from dinoscope.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMPILE_ONLY = "<!-- not run -->\n"


def blocks(page: Path, language: str) -> Iterator[tuple[int, str, bool]]:
    """(line of the first line of code, code, whether it is run) of each block in that language."""
    text = page.read_text("utf-8")
    for found in BLOCK.finditer(text):
        if found[1] == language:
            before = text[: found.start()]
            yield before.count("\n") + 2, found[2], not before.endswith(COMPILE_ONLY)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the documentation speaks of: ``pictures``, ``holiday.jpg``, a library of its own."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("docs")
    (folder / "pictures").mkdir()
    for name in (
        "fishes/fish-01",
        "fishes/fish-04",
        "tools/hammer-05",
        "renewable/windmill-01",
        "others/cup",
    ):
        shutil.copy(PICTURES / f"{name}.webp", folder / "pictures")
    Image.open(PICTURES / "fishes/fish-09.webp").convert("RGB").save(folder / "holiday.jpg")
    return folder


def environment(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The caller's, with settings that lead into ``folder``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DINOSCOPE_")}
    return kept | {
        "DINOSCOPE_LIBRARY": str(folder / "library"),
        "DINOSCOPE_CONFIG": str(folder / "none.toml"),
        "DINOSCOPE_CACHE": str(tmp_path_factory.getbasetemp() / "cache"),
        "DINOSCOPE_OFFLINE": "1",
        "DINOSCOPE_THREADS": "1",
        "PYTHONPATH": str(ROOT / "src"),
    }


def run(arguments: list[str], folder: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_in_it_runs(page: Path, place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """All blocks of a page are one program, its lines numbered as in the page."""
    program: list[str] = []
    for line, code, runs in blocks(page, "python"):
        if runs:
            program += [""] * (line - 1 - len(program)) + code.splitlines()
        else:
            compile(code, f"{page.name}:{line}", "exec")
    if not program:
        return
    script = place / f"{page.stem}.py"
    script.write_text("\n".join(program) + "\n", "utf-8")
    run([str(script)], place, environment(place, tmp_path_factory))


def test_the_guide_to_python_runs_at_all() -> None:
    """The test above would pass on an empty page."""
    assert len(list(blocks(ROOT / "docs" / "python.md", "python"))) >= 4
    assert list(blocks(ROOT / "README.md", "python"))


def test_every_example_says_how_to_call_it() -> None:
    for path in EXAMPLES:
        assert f"python examples/{path.name}" in (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")


def test_the_example_that_searches_a_folder(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    out = run(
        [str(ROOT / "examples/search_folder.py"), "pictures", "holiday.jpg", "example-library"],
        place, environment(place, tmp_path_factory),
    )  # fmt: skip
    assert "5 new" in out
    assert "fish" in out.splitlines()[2], "a fish is what a fish is most like"


def test_the_example_that_paints_a_map(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    from PIL import Image

    arguments = [str(ROOT / "examples/patch_map.py"), "holiday.jpg", "100", "80", "map.png"]
    run(arguments, place, environment(place, tmp_path_factory))
    with Image.open(place / "map.png") as painted, Image.open(place / "holiday.jpg") as picture:
        assert painted.size == picture.size
        assert len(set(painted.convert("L").tobytes())) > 20


def test_the_example_that_asks_over_http(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = environment(place, tmp_path_factory) | {"DINOSCOPE_LIBRARY": str(place / "served")}
    run(["-m", "dinoscope", "index", "pictures"], place, env)
    command = [sys.executable, "-m", "dinoscope", "serve", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=place, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            answers(f"http://127.0.0.1:{port}/api/v1/about")
            arguments = [str(ROOT / "examples/http_search.py"), "holiday.jpg", f"http://127.0.0.1:{port}"]
            assert "fish" in run(arguments, place, env).splitlines()[1]
        finally:
            server.terminate()
            server.wait(20)


def answers(address: str) -> None:
    """Wait until a server answers there."""
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at {address}")


def commands() -> dict[str, set[str]]:
    """Every command that does something -> its options, as ``--help`` has them."""
    import typer

    from dinoscope.cli.app import app

    found: dict[str, set[str]] = {}

    def visit(command: Any, name: str) -> None:
        for word, inner in getattr(command, "commands", {}).items():
            visit(inner, f"{name} {word}")
        if not hasattr(command, "commands"):
            options = [
                each for each in command.params if each.param_type_name == "option" and not each.hidden
            ]
            found[name] = {word for option in options for word in (*option.opts, *option.secondary_opts)}

    visit(typer.main.get_command(app), "dinoscope")
    return found


def sections() -> dict[str, set[str]]:
    """Heading -> the options named below it, in docs/cli.md."""
    parts = re.split(r"^## (.+)$", (ROOT / "docs" / "cli.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {
        heading: set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " ".join(re.findall(r"`([^`]+)`", body))))
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }


def test_every_command_is_documented_with_every_option_and_no_other() -> None:
    documented = sections()
    short = {"--library": "-l", "--model": "-m", "--where": "-w"}  # of shared options, said once
    for options in documented.values():
        options.update(short[option] for option in list(options) if option in short)
    documented.pop("Shared options")
    assert documented == commands()


def test_the_shared_options_are_those_of_more_than_one_command() -> None:
    for option in sections()["Shared options"]:
        assert sum(option in options for options in commands().values()) > 1, option


def test_every_model_named_in_a_command_exists() -> None:
    from dinoscope.models.catalog import CARDS

    for page in PAGES:
        text = " ".join(code for language in ("sh", "bash") for _, code, _ in blocks(page, language))
        trained = set(re.findall(r"--name ([\w-]+)", text))  # on that very page
        named = set(re.findall(r"(?:models pull|models info|--model|compare) ([\w-]+)", text))
        assert named <= CARDS.keys() | trained, page.name


def test_every_setting_is_documented_and_nothing_else() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| `(\w+)` \|", (ROOT / "docs/settings.md").read_text("utf-8"), re.MULTILINE
    )
    assert rows == [(field.name, f"DINOSCOPE_{field.name.upper()}") for field in fields(Settings)]


def test_the_defaults_in_the_table_are_the_defaults() -> None:
    text = (ROOT / "docs/settings.md").read_text("utf-8")
    for name, shown in re.findall(r"^\| `(\w+)` \| `\w+` \| `([^`]+)` \|", text, re.MULTILINE):
        assert Settings().with_overrides(**{name: shown}) == Settings(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name} links to {target}"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    """The anchors that its headings get."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\((\d{3}-[\w-]+\.md)\)", (folder / "README.md").read_text("utf-8"))
    assert listed == sorted(path.name for path in folder.glob("0*.md"))


def test_only_make_targets_that_exist_are_named() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        named = {
            name for _, code, _ in blocks(page, "sh") for name in re.findall(r"^make ([a-z-]+)", code, re.M)
        }
        named |= set(re.findall(r"`make ([a-z-]+)`", page.read_text("utf-8")))
        assert named <= targets, page.name
