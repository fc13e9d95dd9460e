"""Weights are found, fetched, checked, and otherwise one sentence says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dinoscope.errors import WeightsRefused, WeightsUnavailable
from dinoscope.models.card import LOCAL, PACKAGE, ModelCard, Source
from dinoscope.models.cards import CARDS
from dinoscope.models.weights import fetch, is_here, weights_digest
from dinoscope.settings import Settings

CONTENT = b"these stand for weights" * 1000
COMMIT = "a" * 40


@pytest.fixture
def card() -> ModelCard:
    """A card of the hub; the file's content is CONTENT, its checksum not known."""
    return replace(CARDS["dinov2-vits14"], source=Source("someone/tiny", "model.safetensors"))


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache of the test's own."""
    folder = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """Settings with a cache of the test's own, offline."""
    return replace(settings, cache=tmp_path / "cache")


def placed(hub_cache: Path, content: bytes = CONTENT, revision: str = COMMIT) -> Path:
    """A file in the layout of the hub's cache."""
    repository = hub_cache / "models--someone--tiny"
    path = repository / "snapshots" / revision / "model.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    (repository / "refs").mkdir(exist_ok=True)
    (repository / "refs" / "main").write_text(revision)
    return path


def test_the_starter_comes_with_the_package(own: Settings) -> None:
    card = CARDS["starter"]
    path = fetch(card, own)
    assert path.stat().st_size == card.bytes
    assert sha256(path.read_bytes()).hexdigest() == card.sha256
    assert is_here(card, own)


def test_a_local_file_is_taken_as_it_is(tmp_path: Path, own: Settings, card: ModelCard) -> None:
    mine = replace(card, source=Source(LOCAL, str(tmp_path / "mine.pth")))
    assert not is_here(mine, own)
    with pytest.raises(WeightsUnavailable, match="give another path"):
        fetch(mine, own)
    (tmp_path / "mine.pth").write_bytes(CONTENT)
    assert fetch(mine, own) == tmp_path / "mine.pth"


def test_a_package_without_its_starter_says_so(own: Settings, card: ModelCard) -> None:
    with pytest.raises(WeightsUnavailable, match="install Dinoscope again"):
        fetch(replace(card, source=Source(PACKAGE, "starter/nothing")), own)


def test_a_file_in_the_hub_cache_needs_no_network_and_no_extra(
    hub_cache: Path, own: Settings, card: ModelCard
) -> None:
    assert not is_here(card, own)
    path = placed(hub_cache)
    assert is_here(card, own)
    assert fetch(card, own) == path


def test_the_revision_main_points_to_is_preferred(hub_cache: Path, own: Settings, card: ModelCard) -> None:
    placed(hub_cache, b"older", "b" * 40)
    newest = placed(hub_cache)
    assert fetch(card, own) == newest


def test_the_hub_cache_lies_where_its_variables_say(
    tmp_path: Path, own: Settings, card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    for variable, folder in (("HF_HOME", "hub"), ("XDG_CACHE_HOME", "huggingface/hub")):
        monkeypatch.delenv("HF_HOME", raising=False)
        monkeypatch.setenv(variable, str(tmp_path / variable))
        assert not is_here(card, own)
        placed(tmp_path / variable / folder)
        assert is_here(card, own)


def test_offline_is_obeyed_and_explained(hub_cache: Path, own: Settings, card: ModelCard) -> None:
    with pytest.raises(WeightsUnavailable, match=r"offline is set.*dinoscope models pull dinov2-vits14"):
        fetch(card, own)


def test_a_known_checksum_is_required(hub_cache: Path, own: Settings, card: ModelCard) -> None:
    placed(hub_cache)
    right = sha256(CONTENT).hexdigest()
    fetch(replace(card, sha256=right), own)
    with pytest.raises(WeightsRefused, match=rf"{right[:16]}, the one published {'0' * 16}"):
        fetch(replace(card, sha256="0" * 64), own)


def test_an_unknown_checksum_is_noted_once_and_required_from_then_on(
    hub_cache: Path, own: Settings, card: ModelCard
) -> None:
    path = placed(hub_cache)
    fetch(card, own)
    path.write_bytes(CONTENT[::-1])
    with pytest.raises(
        WeightsRefused, match=r"model\.safetensors is not the dinov2-vits14 expected.*noted in"
    ):
        fetch(card, own)
    path.write_bytes(CONTENT)
    assert fetch(card, own) == path


def test_a_digest_is_remembered_until_the_file_changes(tmp_path: Path, own: Settings) -> None:
    path = tmp_path / "w"
    path.write_bytes(CONTENT)
    first = weights_digest(path, own)
    assert first == sha256(CONTENT).hexdigest()[:16]
    facts = path.stat()
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert weights_digest(path, own) == first  # same size and time: not read again
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    assert weights_digest(path, own) != first


@pytest.mark.parametrize("notes", ["", "[]", "{", '{"digests": 3}', '{"digests": {}, "expected": []}'])
def test_a_damaged_note_is_only_written_again(
    hub_cache: Path, own: Settings, card: ModelCard, notes: str
) -> None:
    path = placed(hub_cache)
    own.cache.mkdir()
    (own.cache / "weights.json").write_text(notes)
    assert fetch(card, own) == path
    assert weights_digest(path, own) == sha256(CONTENT).hexdigest()[:16]


def test_a_cache_that_cannot_be_written_does_not_matter(tmp_path: Path, own: Settings) -> None:
    path = tmp_path / "w"
    path.write_bytes(CONTENT)
    (tmp_path / "a-file").write_text("")
    nowhere = replace(own, cache=tmp_path / "a-file" / "cache")
    assert weights_digest(path, nowhere) == weights_digest(path, own)


# --- the hub, played by a server on this machine -----------------------------------------------------------


class Hub(BaseHTTPRequestHandler):
    """Answers as the hub does for what a download asks."""

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        kind = {"tiny": "", "gated": "GatedRepo", "absent": "RepoNotFound", "empty": "EntryNotFound"}.get(
            self.path.split("/")[2], "RepoNotFound"
        )
        if "/resolve/" not in self.path or kind:
            self.send_response({"GatedRepo": 403, "RepoNotFound": 401}.get(kind, 404))
            self.send_header("X-Error-Code", kind)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("ETag", f'"{sha256(CONTENT).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        if body:
            self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    """The address of a hub that has someone/tiny, and someone/gated for those who accepted its licence."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def fetched(repository: str, endpoint: str, home: Path) -> str:
    """The path ``fetch`` gives or the error's name and sentence, in a fresh process that sees that hub."""
    program = (
        "import sys\nfrom dataclasses import replace\nfrom pathlib import Path\n"
        "from dinoscope.errors import DinoscopeError\nfrom dinoscope.models.cards import CARDS, Source\n"
        "from dinoscope.models.weights import fetch\nfrom dinoscope.settings import Settings\n"
        "card = replace(CARDS['dinov2-vits14'], source=Source(sys.argv[1], 'model.safetensors'))\n"
        "try:\n    print(fetch(card, Settings(cache=Path(sys.argv[2]))))\n"
        "except DinoscopeError as error:\n    print(type(error).__name__, error)\n"
    )
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("HF_", "DINOSCOPE_"))
    }
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    environment |= {"HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-c", program, repository, str(home / "cache")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.strip()


@pytest.mark.extra
def test_the_hub_gives_the_file_and_it_is_kept(hub: str, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    path = Path(fetched("someone/tiny", hub, tmp_path))
    assert path.read_bytes() == CONTENT
    assert path.is_relative_to(tmp_path / "hub" / "models--someone--tiny")
    assert Path(fetched("someone/tiny", "http://127.0.0.1:9", tmp_path)) == path  # no hub is asked again


@pytest.mark.extra
@pytest.mark.parametrize(
    ("repository", "sentence"),
    [
        ("someone/gated", "accept its licence at huggingface.co/someone/gated and run `hf auth login`"),
        ("someone/absent", "the hub has no model.safetensors in someone/absent"),
        ("someone/empty", "the hub has no model.safetensors in someone/empty"),
    ],
)
def test_the_hubs_refusals_become_sentences(hub: str, tmp_path: Path, repository: str, sentence: str) -> None:
    pytest.importorskip("huggingface_hub")
    said = fetched(repository, hub, tmp_path)
    assert said.startswith("WeightsUnavailable ")
    assert sentence in said


@pytest.mark.extra
def test_no_network_becomes_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    said = fetched("someone/tiny", "http://127.0.0.1:9", tmp_path)
    assert said.startswith("WeightsUnavailable ")
    assert "check the network, or give a path" in said


def test_without_the_extra_its_pip_line_is_named(tmp_path: Path) -> None:
    if any((Path(folder) / "huggingface_hub").is_dir() for folder in sys.path):
        pytest.skip("the extra is installed here")
    assert "MissingExtra" in (said := fetched("someone/tiny", "http://127.0.0.1:9", tmp_path))
    assert "pip install 'dinoscope[hub]'" in said
