"""Where a model's weights are, and whether they are the ones the card means.

Looked for in this order: the user's own path, the package (starter), the hub's cache as
``huggingface_hub`` lays it out, the hub itself (extra ``hub``). A checksum the card does not know is
noted at the first fetch and required from then on.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from dinoscope.errors import DiskFull, MissingExtra, WeightsRefused, WeightsUnavailable
from dinoscope.models.card import LOCAL, PACKAGE, ModelCard
from dinoscope.settings import Settings

_NOTES = "weights.json"  # in settings.cache
_TABLES = ("digests", "expected")  # by file stamp; by card, as noted at the first fetch


def fetch(card: ModelCard, settings: Settings) -> Path:
    """The weights file of a card, fetched from the hub when it is not on this machine.

    Raises:
        WeightsUnavailable: not here and not to be had: offline, gated, no network, no such file.
        WeightsRefused: the checksum is not the one known or noted before.
        MissingExtra: the hub is needed and ``dinoscope[hub]`` is not installed.
        DiskFull: no room for the download.
    """
    path = _on_this_machine(card)
    if path is None:
        path = _download(card, settings)
    if card.source.repository not in {LOCAL, PACKAGE}:
        _check(card, path, settings)
    return path


def is_here(card: ModelCard, settings: Settings) -> bool:
    """Could ``fetch`` answer without a network? Looks at file names only."""
    return _on_this_machine(card) is not None


def weights_digest(path: Path, settings: Settings) -> str:
    """The first 16 hex digits of the file's SHA-256, remembered by size and time of the file."""
    return _sha256(path, settings)[:16]


def _on_this_machine(card: ModelCard) -> Path | None:
    repository, file = card.source.repository, card.source.file
    if repository == LOCAL:
        return Path(file) if Path(file).is_file() else None
    if repository == PACKAGE:
        path = Path(str(files("dinoscope.models"))) / file
        return path if path.is_file() else None
    return _in_hub_cache(repository, file)


def _in_hub_cache(repository: str, file: str) -> Path | None:
    """The newest snapshot that has the file; the layout is documented by huggingface_hub."""
    folder = _hub_cache() / f"models--{repository.replace('/', '--')}"
    try:
        revision = (folder / "refs" / "main").read_text().strip()
    except OSError:
        revision = ""
    candidates = [folder / "snapshots" / revision / file] if revision else []
    candidates += sorted(
        folder.glob(f"snapshots/*/{file}"), key=lambda path: path.stat().st_mtime, reverse=True
    )
    return next((path for path in candidates if path.is_file()), None)


def _hub_cache() -> Path:
    if "HF_HUB_CACHE" in os.environ:
        return Path(os.environ["HF_HUB_CACHE"]).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface"
    return Path(home).expanduser() / "hub"


def _download(card: ModelCard, settings: Settings) -> Path:
    name, (repository, file) = card.name, (card.source.repository, card.source.file)
    if repository in {LOCAL, PACKAGE}:
        now = "give another path" if repository == LOCAL else "install Dinoscope again"
        raise WeightsUnavailable(f"the weights of {name} are missing at {file}: {now}")
    if settings.offline:
        raise WeightsUnavailable(
            f"the weights of {name} are not on this machine and offline is set: "
            f"run `dinoscope models pull {name}` with a network, or give a path to the weights"
        )
    try:
        import huggingface_hub
        from huggingface_hub import errors as hub
    except ImportError:
        raise MissingExtra(
            f"{name} comes from the hub: pip install 'dinoscope[hub]', or give a path to its weights"
        ) from None
    try:
        return Path(huggingface_hub.hf_hub_download(repository, file))
    except hub.GatedRepoError:
        raise WeightsUnavailable(
            f"{name} is gated: accept its licence at huggingface.co/{repository} and run `hf auth login`"
        ) from None
    except hub.LocalEntryNotFoundError:  # an EntryNotFoundError too, but it means: no answer, and not cached
        raise _no_download(card, ConnectionError("the hub does not answer")) from None
    except (hub.RepositoryNotFoundError, hub.EntryNotFoundError, hub.RevisionNotFoundError):
        raise WeightsUnavailable(
            f"the hub has no {file} in {repository}: run `hf auth login` if it is private, or give a path"
        ) from None
    except OSError as error:  # among them all HTTP and connection errors of the hub's client
        raise _no_download(card, error) from None
    except Exception as error:  # noqa: BLE001  its HTTP client has changed twice, and its errors with it
        raise _no_download(card, error) from None


def _no_download(card: ModelCard, error: Exception) -> DiskFull | WeightsUnavailable:
    if isinstance(error, OSError) and error.errno == 28:
        return DiskFull(f"no space is left to fetch {card.name} ({card.bytes / 1e6:.0f} MB): free some")
    why = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
    return WeightsUnavailable(
        f"{card.name} could not be fetched from {card.source.repository} ({why}): "
        "check the network, or give a path to its weights"
    )


def _check(card: ModelCard, path: Path, settings: Settings) -> None:
    expected = card.sha256 or _notes(settings)["expected"].get(card.name)
    found = _sha256(path, settings)
    if expected is None:
        _note(settings, "expected", card.name, found)
    elif found != expected:
        known = "published" if card.sha256 else f"noted in {settings.cache / _NOTES}"
        raise WeightsRefused(
            f"{path.resolve()} is not the {card.name} expected: its SHA-256 begins {found[:16]}, "
            f"the one {known} {expected[:16]}; delete the file and run `dinoscope models pull {card.name}`"
        )


def _sha256(path: Path, settings: Settings) -> str:
    facts = path.stat()
    stamp = f"{path.resolve()}:{facts.st_size}:{facts.st_mtime_ns}"
    known = _notes(settings)["digests"].get(stamp)
    if isinstance(known, str) and len(known) == 64:
        return known
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    _note(settings, "digests", stamp, digest.hexdigest())
    return digest.hexdigest()


def _notes(settings: Settings) -> dict[str, dict[str, str]]:
    """Both tables, empty where the file is missing or damaged."""
    try:
        notes = json.loads((settings.cache / _NOTES).read_text("utf-8"))
    except (OSError, ValueError):
        notes = None
    tables = notes if isinstance(notes, dict) else {}
    return {name: table if isinstance(table := tables.get(name), dict) else {} for name in _TABLES}


def _note(settings: Settings, table: str, key: str, value: str) -> None:
    """Atomic; two processes at once may lose a note, which is only written again. No room: no note."""
    notes = _notes(settings)
    notes[table][key] = value
    draft = settings.cache / f"{_NOTES}.{os.getpid()}"
    try:
        settings.cache.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(notes, indent=1), "utf-8")
        draft.replace(settings.cache / _NOTES)
    except OSError:
        with suppress(OSError):
            draft.unlink()
