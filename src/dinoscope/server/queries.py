"""Uploaded pictures: kept in memory to search with, never on disk, until newer ones need the room."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from dinoscope.errors import NoSuchPicture
from dinoscope.features import Features, FloatArray
from dinoscope.geometry import Mask, Size

MOST = 64  # uploads kept
MOST_BYTES = 64 * 2**20  # of all of them; one takes ~0.7 MB: its WebP, and 256 patches of 384 numbers
SIDE = 1600  # longest side of what is kept to be looked at, pixels


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """A picture somebody searches with. The file itself is not kept, nor what its metadata says."""

    webp: bytes  # re-encoded, at most SIDE pixels a side
    size: Size  # of the original
    kind: str
    features: Features  # by the server's model, from the original pixels; its grid lies over ``size``
    encode_seconds: float
    shown: Mask | None = None  # what of it is not transparent, at some scale; None: all of it
    content: str | None = None  # hash of what was sent

    @property
    def vector(self) -> FloatArray:
        """(D,) unit vector of the whole picture."""
        return self.features.descriptor

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        shown = 0 if self.shown is None else self.shown.pixels.nbytes
        return len(self.webp) + self.features.patches.nbytes + shown


class Uploads:
    """The most recently used uploads, by random names nobody can guess. Safe from several threads."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, Upload] = OrderedDict()
        self._bytes = 0
        self._guard = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, upload: Upload) -> str:
        """Keep it; the name to ask for it by."""
        name = f"q_{secrets.token_urlsafe(12)}"
        with self._guard:
            self._kept[name] = upload
            self._bytes += upload.bytes
            while len(self._kept) > 1 and (len(self._kept) > self._most or self._bytes > self._most_bytes):
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.bytes
        return name

    def get(self, name: str) -> Upload:
        """Raises: NoSuchPicture when it was never here or has been forgotten."""
        with self._guard:
            upload = self._kept.get(name)
            if upload is None:
                raise NoSuchPicture("the uploaded picture is no longer kept: send it again")
            self._kept.move_to_end(name)
            return upload
