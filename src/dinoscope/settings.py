"""One frozen settings object: file < environment < what the caller passes."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
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
    threads: int = 0  # encoder threads; 0 takes every core
    cache: Path = Path(_DIRS.user_cache_dir)  # graphs, fetched weights, thumbnails of foreign pictures
    host: str = "127.0.0.1"
    port: int = 7766
    token: str = ""  # bearer token; required when host is not loopback, made when empty
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
    names = {f"DINOSCOPE_{field.name.upper()}": field.name for field in fields(Settings)}
    given = {names[key]: value for key, value in environment.items() if key in names and value != ""}
    return _coerced(settings, given, "the environment")


def _coerced(settings: Settings, values: Mapping[str, object], source: str) -> Settings:
    known = {field.name: getattr(settings, field.name) for field in fields(Settings)}
    changes: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            raise BadRequest(f"{source} sets {key!r}, which is no setting: use one of {', '.join(known)}")
        try:
            changes[key] = _as(type(known[key]), value)
        except (TypeError, ValueError):
            kind = type(known[key]).__name__.replace("PosixPath", "path").replace("WindowsPath", "path")
            raise BadRequest(f"{source} sets {key} to {value!r}, which is no {kind}: correct it") from None
    return replace(settings, **changes)


def _as(kind: type, value: object) -> object:
    if issubclass(kind, Path):
        return Path(str(value)).expanduser()
    if kind is bool:
        return _truth(value)
    if kind is int and not (isinstance(value, (int, str)) and not isinstance(value, bool)):
        raise TypeError
    return str(value) if kind is str else kind(str(value))


def _truth(value: object) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    try:
        return words[str(value).lower()]
    except KeyError:
        raise ValueError(value) from None
