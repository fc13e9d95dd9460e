"""Folders of the machine the server runs on, to choose what to index."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query

from dinoscope.errors import Unreadable
from dinoscope.server import wire
from dinoscope.server.jobs import absolute

router = APIRouter(tags=["jobs"])

MOST = 2000  # folders listed


@router.get("/folders")
def folders(
    path: Annotated[str | None, Query(max_length=4096, description="a whole path; without it, home")] = None,
) -> wire.FolderListing:
    """The folders in a folder. Hidden ones are left out; files are not told."""
    folder = Path.home() if not path else absolute(path)
    try:
        folder = folder.resolve(strict=True)
        with os.scandir(folder) as entries:
            names = sorted((entry.name for entry in entries if _shown(entry)), key=str.casefold)
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or "a loop of links"
        raise Unreadable(f"{folder} cannot be listed ({why}): choose another folder") from None
    return wire.FolderListing(
        path=wire.shown(folder),
        parent=None if folder.parent == folder else wire.shown(folder.parent),
        folders=[wire.Folder(name=name, path=str(folder / name)) for name in names[:MOST]],
    )


def _shown(entry: os.DirEntry[str]) -> bool:
    """Not hidden, a folder we may look at, and with a name that survives the way to a browser and back."""
    try:
        return not entry.name.startswith(".") and entry.is_dir() and wire.shown(entry.name) == entry.name
    except OSError:
        return False
