"""Checkpoints: whole or not there, the last three kept, and loadable without running anyone's code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from dinoscope.errors import BadRequest, DiskFull
from dinoscope.library.recordfile import sync_folder
from dinoscope.training.overrides import first_difference, from_json, to_json
from dinoscope.training.recipe import Recipe
from dinoscope.training.runs import Run

KEEP = 3
FORMAT = 1


def save(run: Run, step: int, recipe: Recipe, digest: str, state: dict[str, Any]) -> Path:
    """Write ``checkpoints/{step}.pt`` and drop all but the last three.

    Written beside its place, flushed to the disk, then renamed: whatever happens, the ones before are whole.

    Args:
        digest: of the training items.
        state: tensors and plain types only.

    Raises:
        DiskFull: it could not be written; nothing is left of it, and the ones before are untouched.
    """
    path = run.checkpoints / f"{step}.pt"
    fresh = run.checkpoints / f"{step}.tmp"
    whole = {"format": FORMAT, "step": step, "recipe": to_json(recipe), "data": digest, **state}
    try:
        run.checkpoints.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            torch.save(whole, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(run.checkpoints)
    # torch's zip writer turns an OSError of the file below it into a RuntimeError
    except (OSError, RuntimeError) as error:
        fresh.unlink(missing_ok=True)
        kept = next(iter(steps_of(run)), None)
        good = f"the checkpoint of step {kept} is kept" if kept is not None else "there is none before it"
        raise DiskFull(
            f"cannot write the checkpoint {path} ({_first_line(error)}), {good}: make room, then go on with "
            f"dinoscope train --resume {run.name}"
        ) from None
    for old in steps_of(run)[KEEP:]:
        (run.checkpoints / f"{old}.pt").unlink(missing_ok=True)
    return path


def steps_of(run: Run) -> list[int]:
    """The steps that have a checkpoint, the latest first."""
    names = run.checkpoints.glob("*.pt") if run.checkpoints.is_dir() else []
    return sorted((int(path.stem) for path in names if path.stem.isdecimal()), reverse=True)


def latest(run: Run, recipe: Recipe, digest: str) -> dict[str, Any] | None:
    """The newest checkpoint that can be read, or None when there is none at all.

    Raises:
        BadRequest: none of them can be read; or it belongs to another recipe (the first field that differs
            is named) or to other pictures.
    """
    damaged: list[Path] = []
    for state, path in _readable(run, damaged):
        _require_same(state, path, recipe, digest)
        return state
    if damaged:
        raise BadRequest(
            f"no checkpoint of {run.name!r} can be read ({', '.join(path.name for path in damaged)}): "
            "train under another --name"
        )
    return None


def _readable(run: Run, damaged: list[Path]) -> Iterator[tuple[dict[str, Any], Path]]:
    for step in steps_of(run):
        path = run.checkpoints / f"{step}.pt"
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            if isinstance(state, dict) and state.get("format") == FORMAT:
                yield state, path
                continue
        except Exception:  # noqa: BLE001 - torch raises many kinds for a damaged file
            pass
        damaged.append(path)


def _require_same(state: dict[str, Any], path: Path, recipe: Recipe, digest: str) -> None:
    difference = first_difference(recipe, from_json(state["recipe"]))
    if difference:
        raise BadRequest(
            f"{path} belongs to another recipe ({difference}): resume without changing it, "
            "or choose another --name"
        )
    if state["data"] != digest:
        raise BadRequest(
            f"{path} was trained on other pictures than these: give the same sources, "
            "or choose another --name"
        )


def _first_line(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) and error.strerror else str(error)).split("\n", 1)[0]
