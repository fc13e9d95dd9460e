"""One frozen settings object: file < environment < what the caller passes."""

from __future__ import annotations

import difflib
import math
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from platformdirs import PlatformDirs

from dinoscope.errors import BadRequest

_DIRS = PlatformDirs("dinoscope", appauthor=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Defaults suit a laptop. Every field is also a key of the file and a ``DINOSCOPE_<FIELD>`` variable."""

    library: Path = Path(_DIRS.user_data_dir) / "library"  # the library folder commands use
    model: str = "starter"  # ModelCard name or path to weights
    precision: str = "auto"  # "auto" takes the card's measured best; else fp32, int8, bf16
    runtime: str = "onnx"  # a key of models.RUNTIMES
    device: str = "auto"  # where the encoder runs: a GPU where there is one; else cpu, cuda, cuda:1
    threads: int = 0  # encoder threads; 0 takes every core
    regions: bool = True  # index what parts of pictures look like, so that parts can be searched for
    faces: str = "auto"  # block, blur, drop-patches or allow; "auto" is block for a server, else allow
    fine: bool = False  # index parts tile by tile: small ones are found, and indexing takes longer
    models: Path = Path(_DIRS.user_data_dir) / "models"  # trained here, a folder per model
    runs: Path = Path(_DIRS.user_data_dir) / "runs"  # trainings, a folder per run
    cache: Path = Path(_DIRS.user_cache_dir)  # graphs, fetched weights, thumbnails of foreign pictures
    host: str = "127.0.0.1"
    port: int = 7766
    token: str = field(default="", repr=False)  # required when host is not loopback, made when empty
    offline: bool = False  # never fetch weights
    max_bytes: int = 256 * 2**20  # largest picture file read, bytes
    max_pixels: int = 256_000_000  # largest picture decoded, width * height
    max_seconds: float = 20.0  # longest a single decode may take

    def with_overrides(self, **values: object) -> Settings:
        """A copy with the given fields replaced; None means "not given"."""
        return _coerced(self, {key: value for key, value in values.items() if value is not None}, "argument")


def config_path(environment: Mapping[str, str] = os.environ) -> Path:
    """The config file: ``DINOSCOPE_CONFIG``, else the platform's config folder. It need not exist."""
    return Path(environment.get("DINOSCOPE_CONFIG") or Path(_DIRS.user_config_dir) / "config.toml")


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Defaults, then the config file, then ``DINOSCOPE_*`` variables.

    Raises:
        BadRequest: an unknown key, a value of the wrong type, or a file that is not TOML.
    """
    settings = Settings()
    path = config_path(environment)
    if path.is_file():
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadRequest(f"{path} is not valid TOML ({error}): correct it or delete it") from None
        settings = _coerced(settings, table, str(path))
    return _coerced(settings, _from_environment(environment), "the environment")


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings among the variables. A typo in one would otherwise be ignored in silence, for years."""
    names = {f"DINOSCOPE_{field.name.upper()}": field.name for field in fields(Settings)}
    given = {}
    for key, value in environment.items():
        if not key.startswith("DINOSCOPE_") or key == "DINOSCOPE_CONFIG" or value == "":
            continue
        if key not in names:
            hint = _nearest(key, [*names, "DINOSCOPE_CONFIG"])
            raise BadRequest(f"the environment sets {key}, which is no setting: {hint}")
        given[names[key]] = value
    return given


def _coerced(settings: Settings, values: Mapping[str, object], source: str) -> Settings:
    known = {field.name: getattr(settings, field.name) for field in fields(Settings)}
    changes: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            raise BadRequest(f"{source} sets {key!r}, which is no setting: {_nearest(key, known)}")
        try:
            changes[key] = _as(known[key], value)
        except (TypeError, ValueError):
            kind = _KINDS[next(kind for kind in _KINDS if isinstance(known[key], kind))]
            raise BadRequest(f"{source} sets {key} to {value!r}, which is no {kind}: correct it") from None
        if changes[key] not in _CHOICES.get(key, (changes[key],)):
            raise BadRequest(
                f"{source} sets {key} to {value!r}, which is no choice: use {_either(_CHOICES[key])}"
            )
        low, high = _RANGES.get(key, (-math.inf, math.inf))
        if isinstance(changes[key], (int, float)) and not low <= changes[key] <= high:
            raise BadRequest(f"{source} sets {key} to {value}, out of range: use {low:g} to {high:g}")
    return replace(settings, **changes)


# bool before int: a bool is an int to isinstance
FACES = ("auto", "block", "blur", "drop-patches", "allow")
_CHOICES = {"faces": FACES}
_KINDS: dict[type, str] = {bool: "yes or no", int: "whole number", float: "number", Path: "path", str: "text"}
_RANGES = {
    "threads": (0, 1024),
    "port": (0, 65535),  # 0 takes any free port
    "max_bytes": (1, 2**40),
    "max_pixels": (1, 2**32),
    "max_seconds": (0.001, 86_400),  # nan is in no range
}


def _either(choices: Sequence[str]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


def _nearest(key: str, known: Iterable[str]) -> str:
    """What to do about an unknown name: the nearest known one, or all of them."""
    known = list(known)
    close = difflib.get_close_matches(key, known, 1)
    return f"did you mean {close[0]}?" if close else f"use one of {', '.join(known)}"


def _as(like: object, value: object) -> object:
    """The value in the type of ``like``; TypeError or ValueError when it is none."""
    if isinstance(like, bool):
        return _truth(value)
    if isinstance(like, int):
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise TypeError(value)
        return int(value)
    if isinstance(like, float):
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise TypeError(value)
        return float(value)
    if not isinstance(value, (str, Path)):
        raise TypeError(value)
    return Path(value).expanduser() if isinstance(like, Path) else str(value)


def _truth(value: object) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    try:
        return words[str(value).lower()]
    except KeyError:
        raise ValueError(value) from None
