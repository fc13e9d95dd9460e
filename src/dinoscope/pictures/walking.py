"""Every file below a folder, lazily, never outside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dinoscope.pictures.refusal import Refusal

# Made by file managers, cameras' servers and archives; they hold thumbnails, not a person's pictures.
_NOISE = {"@eadir", "$recycle.bin", "system volume information", "__macosx", "thumbs.db", "desktop.ini"}


def walk(root: Path) -> Iterator[Path | Refusal]:
    """Regular files below ``root`` in the order of their names, folder by folder; a file yields itself.

    Hidden entries (a leading dot) and system folders are skipped. No link below the root is
    followed: what it points to inside the root is met at its own place; a link that leads out, in a
    circle or nowhere is a Refusal, as are folders that cannot be read, pipes, sockets and devices.
    Memory is bounded by one folder's entries per level.
    """
    if root.is_dir():
        yield from _below(root, Path(os.path.realpath(root)))
    else:
        yield root


def _below(root: Path, real_root: Path) -> Iterator[Path | Refusal]:
    levels = [_entries(root)]  # an explicit stack: a deep tree must not reach Python's recursion limit
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
        elif isinstance(entry, Refusal):
            yield entry
        elif entry.is_symlink():
            refusal = _link(Path(entry.path), real_root)
            if refusal:
                yield refusal
        elif entry.is_dir(follow_symlinks=False):
            levels.append(_entries(Path(entry.path)))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)
        else:
            yield Refusal(Path(entry.path), f"{entry.path} is a pipe, socket or device: skip it")


def _entries(folder: Path) -> Iterator[os.DirEntry[str] | Refusal]:
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except FileNotFoundError:
        return  # it went away between the listing and here
    except OSError as error:
        yield Refusal(folder, f"{folder} cannot be read ({error.strerror}): check its permissions")
        return
    for entry in entries:
        if not entry.name.startswith(".") and entry.name.lower() not in _NOISE:
            yield entry


def _link(path: Path, real_root: Path) -> Refusal | None:
    try:
        target = path.resolve(strict=True)
    except FileNotFoundError:
        return Refusal(path, f"{path} is a link that leads nowhere: mend or remove it")
    except (OSError, RuntimeError):  # RuntimeError: how Python 3.11 and 3.12 report a circle
        return Refusal(path, f"{path} is a link that leads in a circle: mend or remove it")
    if target == real_root or target in real_root.parents:
        return Refusal(path, f"{path} is a link that leads in a circle: mend or remove it")
    if real_root in target.parents:
        return None
    return Refusal(path, f"{path} is a link out of the folder and was not followed: index {target} itself")
