"""What makes folders one library: ``cluster.json`` beside the shards, and ``shard.json`` in each of them."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np

from dinoscope.errors import BadRequest, DiskFull, LibraryDamaged, LibraryReadOnly, NoLibrary
from dinoscope.features import Basis
from dinoscope.library.connection import FILE as ONE_MACHINE
from dinoscope.library.connection import SHARDED as FILE

OWN = "shard.json"
BASIS = "basis.npz"
VERSION = 1  # one more when a manifest, or where a picture belongs, means something else
MOST_SHARDS = 4096
SHARDS = 4  # of a new library, unless another number is asked for


@dataclass(frozen=True, slots=True)
class Manifest:
    """Never changes once it is written: where a picture belongs depends on it."""

    id: str  # 16 hex digits, the same in every shard: folders of two libraries are never mixed
    shards: int  # 1 to MOST_SHARDS
    model: str  # key of the ModelIdentity that has seen every picture
    name: str  # what to ask for to get that model again
    dimension: int  # of its descriptors

    @classmethod
    def read(cls, root: Path) -> Self:
        """Raises: NoLibrary, LibraryDamaged: with what to do about it."""
        if not (root / FILE).is_file():
            hint = "it is a library of one machine, which needs no --ray" if _alone(root) else _MAKE
            raise NoLibrary(f"there is no library in shards at {root}: {hint}")
        found = cls.of(_read(root / FILE), root / FILE)
        missing = [number for number in range(found.shards) if not shard_folder(root, number).is_dir()]
        if missing:
            raise LibraryDamaged(
                f"{shard_folder(root, missing[0])} is missing, one of {found.shards} shards: "
                "bring it back from where it was moved to"
            )
        return found

    @classmethod
    def of(cls, values: Mapping[str, Any], path: Path) -> Self:
        """From the file's values. Raises: LibraryDamaged."""
        _demand_version(values, path)
        try:
            found = cls(**{name: values[name] for name in cls.__slots__})
            typed = all(type(getattr(found, name)) is type_ for name, type_ in _TYPES.items())
            good = typed and 1 <= found.shards <= MOST_SHARDS and found.dimension > 0
            good = good and bool(found.id and found.model)
        except (KeyError, TypeError):
            good = False
        if not good:
            raise LibraryDamaged(f"{path} does not say what its shards are: restore it from a backup")
        return found

    def demand_model(self, key: str, root: Path) -> None:
        """Raises: BadRequest: vectors of another model are asked for or brought."""
        if key != self.model:
            raise BadRequest(
                f"the library {root} was made with the model {self.model}, not {key}: "
                f"choose --model {self.name}, or another --library"
            )


_TYPES = {"id": str, "shards": int, "model": str, "name": str, "dimension": int}
_MAKE = "make one with dinoscope index --ray"


def claimed(root: Path, *, shards: int | None, model: str, name: str, dimension: int) -> Manifest:
    """The manifest of the library at ``root``, made when there is nothing yet, with its empty shards.

    Raises:
        BadRequest: the library that is there has another model or number of shards; or no such number.
        NoLibrary: a library of one machine is there, or a file.
        LibraryDamaged, LibraryReadOnly, DiskFull.
    """
    if shards is not None and not 1 <= shards <= MOST_SHARDS:
        raise BadRequest(f"a library cannot have {shards} shards: choose 1 to {MOST_SHARDS}")
    if _alone(root):
        raise NoLibrary(
            f"{root} is a library of one machine: index it without --ray, or choose another --library"
        )
    if (root / FILE).is_file():
        found = Manifest.of(_read(root / FILE), root / FILE)
        found.demand_model(model, root)
        if shards not in (None, found.shards):
            raise BadRequest(
                f"the library {root} has {found.shards} shards, not {shards}, and keeps them: "
                "leave --shards out, or choose another --library"
            )
    else:
        found = Manifest(secrets.token_hex(8), shards or SHARDS, model, name, dimension)
        _make(root, found)
    return found


def kept_basis(root: Path, fit: Callable[[], Basis] | None = None) -> Basis:
    """What all shards reduce their region tokens with, fitted and kept once: only so do tokens compare.

    Raises: LibraryDamaged: there is none, and no way to fit one; or the file is damaged.
    """
    path = root / BASIS
    if fit is not None and not path.is_file():
        basis, stored = fit(), BytesIO()
        np.savez(stored, mean=basis.mean, projection=basis.projection)
        _write_bytes(path, stored.getvalue())
    try:
        with np.load(path, allow_pickle=False) as found:
            return Basis(found["mean"], found["projection"])
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise LibraryDamaged(f"{path} cannot be read ({error}): restore it from a backup") from None


def shard_folder(root: Path, number: int) -> Path:
    return root / f"shard-{number:04d}"


def demand_shard(root: Path, manifest: Manifest, number: int) -> Path:
    """The folder of a shard, which is the one the manifest means.

    Raises:
        LibraryDamaged: it is missing, of another library, of another place in it, or of another version.
    """
    folder = shard_folder(root, number)
    values = _read(folder / OWN)
    _demand_version(values, folder / OWN)
    if (values.get("library"), values.get("number")) != (manifest.id, number):
        raise LibraryDamaged(
            f"{folder} is shard {values.get('number')} of the library {values.get('library')}, not shard "
            f"{number} of {manifest.id}: put the right folder there"
        )
    return folder


def _make(root: Path, manifest: Manifest) -> None:
    """The shards first: where the manifest is, all of them are."""
    if root.exists() and not root.is_dir():
        raise NoLibrary(f"{root} is a file, so no library can be there: choose a folder")
    try:
        for number in range(manifest.shards):
            folder = shard_folder(root, number)
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / OWN, {"version": VERSION, "library": manifest.id, "number": number})
        _write(root / FILE, {"version": VERSION, **asdict(manifest)})
    except PermissionError:
        raise LibraryReadOnly(f"{root} cannot be written: check its permissions") from None
    except OSError as error:
        raise DiskFull(f"{root} cannot be written ({error.strerror}): make room there") from None


def _alone(root: Path) -> bool:
    return (root / ONE_MACHINE).is_file()


def _write(path: Path, values: Mapping[str, object]) -> None:
    _write_bytes(path, (json.dumps(values, indent=1) + "\n").encode())


def _write_bytes(path: Path, data: bytes) -> None:
    """Whole or not at all, and on the disk when it returns."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise LibraryDamaged(
            f"{path} is missing, so this folder is no shard: restore it from a backup"
        ) from None
    except (OSError, ValueError) as error:
        raise LibraryDamaged(f"{path} cannot be read ({error}): restore it from a backup") from None
    if not isinstance(values, dict):
        raise LibraryDamaged(f"{path} does not say what its shards are: restore it from a backup")
    return values


def _demand_version(values: Mapping[str, Any], path: Path) -> None:
    if values.get("version") != VERSION:
        raise LibraryDamaged(
            f"{path} was written by another version of Dinoscope (format {values.get('version')}, this one "
            f"knows {VERSION}): use that version, or index the pictures into another --library"
        )
