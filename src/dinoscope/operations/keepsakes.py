"""What was fitted once for a model on pictures that come with Dinoscope, kept in the cache folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np

from dinoscope.sample import samples
from dinoscope.settings import Settings

T = TypeVar("T")


def sampled(count: int) -> Iterator[Path]:
    """``count`` of the shipped pictures, evenly from their list."""
    every = samples()
    return (every[index * len(every) // count].path for index in range(count))


def once(settings: Settings, what: str, key: str, kind: type[T], *, fit: Callable[[], T], version: int) -> T:
    """A dataclass of arrays from the cache, else fitted, and kept there where it can be written.

    Args:
        what: folder of the cache.
        key: tells apart what was fitted for different models.
        version: of ``fit``; what another one gave is not taken.
    """
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    file = settings.cache / what / f"{digest}-{version}.npz"
    known = _read(file, kind)
    if known is None:
        known = fit()
        _keep(file, known)
    return known


def _read(file: Path, kind: type[T]) -> T | None:
    """None where there is none, or none that can be read."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    try:
        with np.load(BytesIO(file.read_bytes()), allow_pickle=False) as kept:  # it closes no spoilt file
            return kind(**{name: kept[name] for name in names})
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def _keep(file: Path, fitted: Any) -> None:
    unfinished = file.with_name(f"{file.stem}.{os.getpid()}.part")
    with suppress(OSError):  # a cache: fitted again next time
        file.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as stream:
            np.savez(stream, **{field.name: getattr(fitted, field.name) for field in fields(fitted)})
        unfinished.replace(file)
