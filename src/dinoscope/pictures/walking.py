"""Every file below a folder, lazily, never outside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dinoscope.pictures.naming import shown
from dinoscope.pictures.refusal import Refusal

# Made by file managers, cameras' servers and archives; they hold thumbnails, not a person's pictures.
_NOISE = {"@eadir", "$recycle.bin", "system volume information", "__macosx", "thumbs.db", "desktop.ini"}


def walk(root: Path) -> Iterator[Path | Refusal]:
    """Regular files below ``root`` in the order of their names, folder by folder; a file yields itself.

    Hidden entries (a leading dot) and system folders are skipped. A link is followed only to a file
    inside the root that is not met at its own place, because it is hidden there (as git-annex does). A
    link that leads out, in a circle or nowhere is a Refusal, as are folders that cannot be read, pipes,
    sockets, devices, and names that are no valid text: neither a database nor a page could hold them.
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
            followed = _link(Path(entry.path), real_root)
            if followed is not None:
                yield followed
        elif entry.is_dir(follow_symlinks=False):
            levels.append(_entries(Path(entry.path)))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)
        else:
            yield Refusal(Path(entry.path), f"{shown(entry.path)} is a pipe, socket or device: skip it")


def _entries(folder: Path) -> Iterator[os.DirEntry[str] | Refusal]:
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except FileNotFoundError:
        return  # it went away between the listing and here
    except OSError as error:
        yield Refusal(folder, f"{shown(folder)} cannot be read ({error.strerror}): check its permissions")
        return
    for entry in entries:
        if _is_hidden(entry.name):
            continue
        if _is_text(entry.name):
            yield entry
        else:
            path = Path(shown(entry.path))
            yield Refusal(path, f"{path} has a name that is no valid text: rename it")


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _NOISE


def _is_text(name: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _link(path: Path, real_root: Path) -> Path | Refusal | None:
    try:
        target = path.resolve(strict=True)
    except FileNotFoundError:
        return Refusal(path, f"{shown(path)} is a link that leads nowhere: mend or remove it")
    except (OSError, RuntimeError):  # RuntimeError: how Python 3.11 and 3.12 report a circle
        return Refusal(path, f"{shown(path)} is a link that leads in a circle: mend or remove it")
    if target == real_root or target in real_root.parents:
        return Refusal(path, f"{shown(path)} is a link that leads in a circle: mend or remove it")
    if real_root in target.parents:
        hidden = any(_is_hidden(part) for part in target.relative_to(real_root).parts)
        return path if hidden and target.is_file() else None
    return Refusal(
        path, f"{shown(path)} is a link out of the folder and was not followed: index {shown(target)} itself"
    )
