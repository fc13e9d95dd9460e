"""What keeps a result from being written, as one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path

from dinoscope.errors import DiskFull, Unreadable


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around what writes a file or a folder.

    Raises:
        Unreadable, DiskFull: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {ENOSPC, EDQUOT, EFBIG}:
            raise DiskFull(f"the disk is full at {path}: make room, or choose another place") from None
        raise Unreadable(f"{path} cannot be written ({error.strerror}): choose another place") from None
