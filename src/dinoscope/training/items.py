"""The pictures of a training as one table, wherever they lie: in folders, in .tar files, in videos.

Nothing is unpacked: a member of an uncompressed tar is a file name, an offset and a length. Its name is
only ever shown, so a hostile one ("../../etc/passwd") can do nothing. Frames of videos are such members
too, of the tar that ``training.video`` wrote for each video.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dinoscope.errors import BadRequest, DinoscopeError, NotAPicture, Unreadable
from dinoscope.pictures.decoding import Decoded, decode
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.naming import reason, shown
from dinoscope.pictures.reading import content_hash, read_bytes, too_many_bytes
from dinoscope.pictures.refusal import Refusal
from dinoscope.training.sampling import ORDER, generator_of

WINDOW = 2.0  # seconds; frames this near are taken for the same scene (positives = "temporal")
_LOOK = 128  # rows to either side in which a shot's other frames are looked for
_TRIALS = 1000  # pictures looked at to find two that differ


@dataclass(frozen=True, slots=True)
class Item:
    """One picture: a file, or the part of one."""

    path: Path
    offset: int = -1  # bytes into the file; -1: the whole file is the picture
    length: int = 0  # bytes
    name: str = ""  # inside the file, to be shown
    number: int = -1  # among the Items it is one of

    @property
    def where(self) -> str:
        """How a sentence names it."""
        return shown(f"{self.path}: {self.name}" if self.name else self.path)

    def data(self, limits: Limits) -> bytes:
        """The encoded picture.

        Raises:
            Unreadable, NotAPicture, PictureTooLarge: as ``pictures.reading.read_bytes`` does.
        """
        if self.offset < 0:
            return read_bytes(self.path, limits)
        if self.length > limits.max_bytes:
            raise too_many_bytes(self.where, self.length, limits)
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                data = file.read(self.length)
        except OSError as error:
            raise Unreadable(f"{self.where} cannot be read ({reason(error)}): check the disk") from None
        if len(data) < self.length:
            raise NotAPicture(f"{self.where} is not complete (its end is missing): restore it or skip it")
        return data

    def read(self, limits: Limits, at_least: int | None = None) -> Decoded:
        """The picture itself; ``at_least`` as in ``pictures.decoding.decode``.

        Raises:
            Unreadable, NotAPicture, PictureTooLarge, MissingExtra: with the name in the sentence.
        """
        return decode(self.data(limits), limits, where=self.where, at_least=at_least)


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """All pictures of a training, n of them, in an order that depends on the sources alone.

    Columns rather than objects: a million pictures take some 150 MB, most of it names.
    """

    files: tuple[str, ...]  # distinct files
    names: tuple[str, ...]  # (n,) inside the file; empty where the file is the picture
    file: NDArray[np.int32]  # (n,) index into files
    offsets: NDArray[np.int64]  # (n,) bytes; -1: the whole file
    lengths: NDArray[np.int64]  # (n,) bytes
    shots: NDArray[np.int32]  # (n,) number of the shot a frame belongs to, -1 for pictures
    seconds: NDArray[np.float32]  # (n,) into the video, 0 for pictures
    digest: str  # of relative names and sizes: tells whether a resumed run still has its pictures
    skipped: int = 0  # files met that hold no picture
    refusals: tuple[Refusal, ...] = ()  # the first of them

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Item:
        """The picture with that number in [0, n)."""
        return Item(
            Path(self.files[self.file[index]]),
            int(self.offsets[index]),
            int(self.lengths[index]),
            self.names[index],
            index,
        )

    def nearby(self, index: int, dice: np.random.Generator, window: float = WINDOW) -> int:
        """Another frame of the same shot at most ``window`` seconds away, else ``index`` itself."""
        if self.shots[index] < 0:
            return index
        rows = np.arange(max(0, index - _LOOK), min(len(self), index + _LOOK + 1))
        apart = np.abs(self.seconds[rows] - self.seconds[index])
        near = rows[(self.shots[rows] == self.shots[index]) & (apart <= window) & (rows != index)]
        return int(dice.choice(near)) if len(near) else index

    def require(self, batch: int, limits: Limits) -> None:
        """Refuse what cannot be trained on, before anything is spent on it.

        Raises:
            BadRequest: fewer pictures than a batch, none that can be decoded, or all of them the same.
        """
        if len(self) < batch:
            raise BadRequest(
                f"{len(self):,} pictures are fewer than a batch of {batch:,}: "
                f"add pictures or ask for --batch {len(self)}"
            )
        self._require_two(limits)

    def _require_two(self, limits: Limits) -> None:
        first, tried, last = "", 0, ""
        for index in generator_of(0, ORDER).permutation(len(self))[:_TRIALS]:
            item = self[int(index)]
            try:
                data = item.data(limits)
                decode(data, limits, where=item.where, at_least=16)
            except DinoscopeError as error:
                last = str(error)
                continue
            tried += 1
            content = content_hash(data)
            if first and content != first:
                return
            first = content
        if tried < 2:
            raise BadRequest(f"fewer than two of these pictures can be decoded; one of the others: {last}")
        raise BadRequest(f"all of the first {tried:,} pictures are the same one: name a folder with others")


def digest_of(names: Sequence[str], lengths: NDArray[np.int64]) -> str:
    """32 hex digits; ``names`` relative to their source, so that a moved folder is the same data."""
    digest = blake2b("\0".join(names).encode("utf-8", "backslashreplace"), digest_size=16)
    digest.update(lengths.tobytes())
    return digest.hexdigest()
