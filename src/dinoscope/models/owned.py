"""Models trained here: a folder each, with everything needed to use the model and to say where it came from.

::

    models/mine/
        weights.safetensors  canonical tensors, the configuration in its header
        card.json            the ModelCard and its provenance
        model.onnx           the whole network at its native size, for other programs
        CARD.md              the same story for people

A folder appears whole or not at all, and one that cannot be read hides no other.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from errno import EDQUOT, ENOSPC
from pathlib import Path
from time import time
from typing import Any

from dinoscope.errors import BadRequest, DiskFull, NoSuchModel, Unreadable, WeightsRefused
from dinoscope.models.card import LOCAL, ModelCard, Source
from dinoscope.models.catalog import CARDS
from dinoscope.models.config import config_of
from dinoscope.models.preprocess import Preprocess

WEIGHTS_FILE, CARD_FILE, GRAPH_FILE, STORY_FILE = "weights.safetensors", "card.json", "model.onnx", "CARD.md"
WEIGHTS_ENDINGS = (".pth", ".pt", ".bin", ".safetensors")  # a name with one of these is a path
ABANDONED = 24 * 3600  # seconds after which no export is still writing its draft
FORMAT = 1  # of card.json; a newer one is refused, not guessed at
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}[a-z0-9]|[a-z0-9]")  # a folder's name on every system


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a model came from. Plain types only, for it is written as JSON."""

    sources: tuple[str, ...] = ()  # folders, tars and videos it learned from
    pictures: int = 0  # how many they held
    steps: int = 0  # optimiser steps taken
    seconds: float = 0.0  # spent training
    recipe: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)  # e.g. {"knn": 0.61}
    start: str = ""  # the model it was continued from; empty: random weights
    made: str = ""  # ISO 8601 time of the export


@dataclass(frozen=True, slots=True)
class Owned:
    """A model trained here."""

    card: ModelCard
    provenance: Provenance
    folder: Path


def check_name(name: str) -> str:
    """The name itself when a model may be called so. Ask before hours of training, not after.

    Raises:
        BadRequest: it would be no folder name somewhere, looks like a path, or is in the catalog.
    """
    if not _NAME.fullmatch(name) or name.endswith(WEIGHTS_ENDINGS):
        raise BadRequest(
            f"{name!r} cannot name a model: use up to 64 small letters, digits and dashes, such as my-model"
        )
    if name in CARDS:
        raise BadRequest(f"{name} is a model Dinoscope comes with: choose another name, such as my-{name}")
    return name


def find_owned(models: Path, name: str) -> Owned | None:
    """The model of that name, or None.

    Raises:
        WeightsRefused: it is there, but its card cannot be read.
    """
    folder = models / name
    if not _NAME.fullmatch(name) or not (folder / CARD_FILE).is_file():
        return None
    return _read(folder)


def list_owned(models: Path) -> list[Owned]:
    """Every model whose card can be read, by name."""
    try:
        folders = sorted(folder for folder in models.iterdir() if _NAME.fullmatch(folder.name))
    except OSError:
        return []  # nothing was trained yet, or the folder may not be read: either way there is none to use
    found = []
    for folder in folders:
        try:
            found.append(_read(folder))
        except WeightsRefused:
            continue
    return found


def remove_owned(models: Path, name: str) -> int:
    """Delete the model and return the bytes freed. Vectors in libraries stay, for it may come back.

    Raises:
        BadRequest: it is not one trained here.
        NoSuchModel: there is none of that name.
    """
    if name in CARDS:
        raise BadRequest(f"{name} was not trained here: only your own models can be removed")
    folder = models / name
    if not _NAME.fullmatch(name) or not folder.is_dir():
        names = ", ".join(one.card.name for one in list_owned(models)) or "none yet"
        raise NoSuchModel(f"there is no model {name!r} of yours: there is {names}")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    gone = models / f".removed-{name}"  # renamed first, so that nobody finds half a model
    shutil.rmtree(gone, ignore_errors=True)
    folder.rename(gone)
    shutil.rmtree(gone)
    return size


@contextmanager
def drafted(models: Path, name: str) -> Iterator[Path]:
    """An empty folder to write a model into. It takes the name's place at the end, or vanishes on an error.

    Raises:
        DiskFull: no space is left; the model of that name is as before.
        Unreadable: the folder cannot be written.
    """
    draft: Path | None = None
    try:
        models.mkdir(parents=True, exist_ok=True)
        _tidy(models)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=models))
        draft.chmod(0o755)  # mkdtemp makes it its owner's only; a served library may run as another user
        yield draft
        _settle(draft, models / name)
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise DiskFull(
                f"no space is left in {models} for the model {name}: free some, export again"
            ) from None
        raise Unreadable(
            f"{models} cannot be written ({error.strerror}): set models to another folder"
        ) from None
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def _settle(draft: Path, target: Path) -> None:
    """Put the draft where the target is, its bytes on the disk first.

    A crash between the two renames leaves the former model aside; ``_tidy`` puts it back.
    """
    for path in draft.iterdir():
        path.chmod(0o644)  # safetensors writes files only their owner may read
        with path.open("rb") as file:
            os.fsync(file.fileno())
    former = Path(tempfile.mkdtemp(prefix=".former-", dir=target.parent))
    try:
        if target.exists():
            target.rename(former / target.name)
        try:
            draft.rename(target)
        except OSError:
            if (former / target.name).exists():
                (former / target.name).rename(target)
            raise
    finally:
        shutil.rmtree(former, ignore_errors=True)


def _tidy(models: Path) -> None:
    """Put back or clear away what a program that was killed has left."""
    for aside in models.glob(".former-*/*"):
        if not (models / aside.name).exists():
            aside.rename(models / aside.name)
    for left in [path for kind in ("draft", "former", "removed") for path in models.glob(f".{kind}-*")]:
        if time() - left.stat().st_mtime > ABANDONED:
            shutil.rmtree(left, ignore_errors=True)


def write_card(folder: Path, card: ModelCard, provenance: Provenance) -> None:
    """card.json; where the weights lie is left out, so that the folder may be moved or given away."""
    known = {name: value for name, value in asdict(card).items() if name not in ("source", "gated")}
    document = {"format": FORMAT, **known, "provenance": asdict(provenance)}
    (folder / CARD_FILE).write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _read(folder: Path) -> Owned:
    try:
        document = json.loads((folder / CARD_FILE).read_text("utf-8"))
        if document["format"] != FORMAT:
            raise ValueError("another format")
        return Owned(_card(folder, document), _provenance(document["provenance"]), folder)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise WeightsRefused(
            f"{folder / CARD_FILE} is missing or no card this version reads: export the model again, "
            f"or dinoscope models remove {folder.name}"
        ) from None


def _card(folder: Path, document: Mapping[str, Any]) -> ModelCard:
    see = document["preprocess"]
    preprocess = Preprocess(tuple(see["mean"]), tuple(see["std"]), int(see["budget"]), str(see["filter"]))
    if len(preprocess.mean) != 3 or len(preprocess.std) != 3 or preprocess.budget < 1:
        raise ValueError("no preprocessing")
    return ModelCard(
        name=folder.name,  # what the user calls it, also after renaming the folder
        title=str(document["title"]),
        family=str(document["family"]),
        licence=str(document["licence"]),
        source=Source(LOCAL, str((folder / WEIGHTS_FILE).resolve())),
        config=config_of(document["config"]),
        bytes=int(document["bytes"]),
        preprocess=preprocess,
        sha256=str(document["sha256"]),
        precision=str(document["precision"]),
        notes=str(document["notes"]),
    )


def _provenance(values: Mapping[str, Any]) -> Provenance:
    known = {field.name for field in fields(Provenance)}
    found = {name: value for name, value in values.items() if name in known}
    return Provenance(**{**found, "sources": tuple(found.get("sources", ()))})
