"""What a library does with human faces: a word in ``faces.json``, kept from its first indexing on."""

from __future__ import annotations

import json
import os
from pathlib import Path

from dinoscope.library.failures import told
from dinoscope.pictures.gate import MODES, Mode, stricter

FILE = "faces.json"
_OF_A_SHARD = "shard.json"  # cluster.manifest's: the word is kept beside the shards


def kept(folder: Path) -> Mode | None:
    """The mode a library keeps; None when it was never decided. A word nobody knows keeps faces out."""
    home = folder.parent if (folder / _OF_A_SHARD).is_file() else folder
    try:
        mode = json.loads((home / FILE).read_text("utf-8"))["faces"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return "block"
    return mode if mode in MODES else "block"


def keep(folder: Path, mode: Mode) -> None:
    """From now on. Raises: LibraryReadOnly, DiskFull."""
    path = folder / FILE
    unfinished = path.with_name(f"{FILE}.{os.getpid()}.part")
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"faces": mode}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)


def mode_of(asked: str, folder: Path, otherwise: Mode = "allow") -> Mode:
    """What holds: the stricter of what is asked for and what the library keeps.

    Args:
        asked: a mode, or "auto".
        otherwise: what "auto" is; a server's is ``block``.
    """
    return stricter(otherwise if asked == "auto" else asked, kept(folder) or "allow")
