"""What is remembered of a thing that was taught, and the one file it is kept, exported and imported as."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BytesIO
from operator import is_
from typing import Any, Literal

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray, Pixels
from dinoscope.geometry import Bools, Box, Size

VERSION = 3  # of the file; 2 had no scenes; 1 did not know where patches lie, and had more in ``null``
LONGEST = 100  # characters of a name
MOST_VIEWS = 24  # taught and corrected: each costs about 20 ms a place looked at
MOST_BYTES = 64 * 2**20  # of a file somebody hands in
MOST_PATCHES, MOST_POSES = 4096, 16  # of a view
LAID = 3  # views that are laid into scenes
SIDE = 160  # pixels of the longer side of what is kept of a photo
Kind = Literal["taught", "yes", "no"]  # a photo; a sighting confirmed, or denied
KINDS: tuple[Kind, ...] = ("taught", "yes", "no")


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """One view of the thing: a window of a photo around it, and what the model sees there."""

    kind: Kind
    source: str  # the photo's name, for people
    content: str  # hash of its file; "" where it had none
    picture: Size  # the photo's
    box: Box  # of the thing in it, original pixels
    pixels: Pixels  # the window, its longer side SIDE at most
    mask: Bools  # (height, width) of the window: the thing
    patches: FloatArray  # (n, P) unit, in the model's basis: the thing from near, turned and mirrored, too
    poses: FloatArray  # (n,) which of these a patch comes from
    weights: FloatArray  # (n,) say of each, sum 1 for every pose
    places: FloatArray  # (n, 2) x, y of each in the window made square, in [0, 1], whatever its pose
    query: FloatArray  # (q, P) unit: what a library is asked with
    query_weights: FloatArray  # (q,) sum 1
    around: FloatArray  # (m, P) unit: what the photo has beside the thing
    null: FloatArray  # (2,) mean and deviation of its likeness by patches where it is not


@dataclass(frozen=True, slots=True, eq=False)
class Imagined:
    """What a library is asked with beside the photos: tokens of scenes that the thing was laid into."""

    tokens: FloatArray  # (q, P) unit
    weights: FloatArray  # (q,) sum 1


@dataclass(frozen=True, slots=True, eq=False)
class Remembered:
    """A thing with a name."""

    name: str
    model: str  # key of the identity that saw it
    created: str  # ISO time, UTC
    views: tuple[Memory, ...]
    imagined: Imagined | None = None  # of the first LAID views of it; None: not seen yet

    @property
    def shown(self) -> tuple[Memory, ...]:
        """The views that are of the thing."""
        return tuple(view for view in self.views if view.kind != "no")

    @property
    def denied(self) -> tuple[Memory, ...]:
        """What it was mistaken for."""
        return tuple(view for view in self.views if view.kind == "no")

    @property
    def laid(self) -> tuple[Memory, ...]:
        """The views that are laid into scenes."""
        return self.shown[:LAID]

    def of_views(self, views: Sequence[Memory]) -> Remembered:
        """The same thing of these views; scenes of others are forgotten."""
        made = replace(self, views=tuple(views))
        same = len(made.laid) == len(self.laid) and all(map(is_, made.laid, self.laid))
        return made if same else replace(made, imagined=None)

    def with_views(self, more: Sequence[Memory]) -> Remembered:
        """The same with more of them; a view of the same place of the same photo is replaced.

        Raises:
            BadRequest: that would be too many.
        """
        kept = [one for one in self.views if not any(_same_place(one, new) for new in more)]
        if len(kept) + len(more) > MOST_VIEWS:
            raise BadRequest(
                f"{self.name!r} is remembered from {len(kept)} views, and {MOST_VIEWS} is the most: "
                "forget it and teach it from its best photos"
            )
        return self.of_views((*kept, *more))

    def written(self) -> bytes:
        """The file."""
        about = {
            "version": VERSION,
            "name": self.name,
            "model": self.model,
            "created": self.created,
            "views": [_about(view) for view in self.views],
        }
        arrays: dict[str, Any] = {
            "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        }
        for number, view in enumerate(self.views):
            arrays |= {f"{number}_{name}": value for name, value in _arrays(view).items()}
        if self.imagined is not None:
            arrays |= {"imagined": self.imagined.tokens.astype(np.float16), "says": self.imagined.weights}
        buffer = BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def read(cls, data: bytes, where: str) -> Remembered:
        """From a file, which may come from anybody: nothing of it is run, and its shapes are checked.

        Args:
            where: names it in sentences.

        Raises:
            BadRequest: it is no such file, damaged, too large, or of a later version.
        """
        if len(data) > MOST_BYTES:
            raise BadRequest(f"{where} is too large to be an exported object: {len(data):,} bytes")
        try:
            with np.load(BytesIO(data), allow_pickle=False) as kept:
                _check_sizes(kept)
                about = json.loads(kept["about"].tobytes())
                if about["version"] not in range(1, VERSION + 1):
                    raise BadRequest(f"{where} was exported by a newer Dinoscope: update this one")
                views = [_view(one, kept, number) for number, one in enumerate(about["views"])]
                found = cls(checked_name(about["name"]), str(about["model"]), str(about["created"]), ())
                scenes = _imagined(kept, views)
        except (BadRequest, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001  zip files, zlib, NumPy and JSON each raise their own
            raise BadRequest(
                f"{where} is no object that Dinoscope exported, or is damaged ({type(error).__name__})"
            ) from None
        if not any(view.kind != "no" for view in views) or len(views) > MOST_VIEWS:
            raise BadRequest(f"{where} holds no view of a thing, or too many: export it again")
        return replace(found, views=tuple(views), imagined=scenes)


def checked_name(name: str) -> str:
    """A name without spaces at its ends. Raises: BadRequest."""
    told = " ".join(str(name).split())
    if not told or len(told) > LONGEST or not told.isprintable():
        raise BadRequest(f"a name has 1 to {LONGEST} printable characters: call the thing something shorter")
    return told


def now() -> str:
    """The time of day as it is kept."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _same_place(one: Memory, other: Memory) -> bool:
    return bool(one.content) and one.content == other.content and one.box.overlap(other.box) > 0.7


def _about(view: Memory) -> dict[str, Any]:
    box = view.box
    return {
        "kind": view.kind,
        "source": view.source,
        "content": view.content,
        "picture": [view.picture.width, view.picture.height],
        "box": [box.left, box.top, box.right, box.bottom],
    }


def _arrays(view: Memory) -> dict[str, Any]:
    return {
        "pixels": view.pixels,
        "mask": view.mask,
        "patches": view.patches.astype(np.float16),
        "poses": view.poses.astype(np.uint8),
        "weights": view.weights,
        "places": view.places.astype(np.float16),
        "query": view.query.astype(np.float16),
        "query_weights": view.query_weights,
        "around": view.around.astype(np.float16),
        "null": view.null,
    }


def _imagined(kept: Any, views: Sequence[Memory]) -> Imagined | None:
    """None before version 3. Raises: ValueError, KeyError where something does not fit."""
    if "imagined" not in kept:
        return None
    tokens, weights = (np.asarray(kept[name], np.float32) for name in ("imagined", "says"))
    fits = (
        bool(views)
        and tokens.ndim == 2
        and tokens.shape[1] == views[0].query.shape[1]
        and weights.shape == tokens.shape[:1]
        and 0 < len(tokens) <= MOST_PATCHES
        and bool(np.isfinite(tokens).all() and np.isfinite(weights).all() and weights.sum() > 0)
    )
    if not fits:
        raise ValueError("scenes that do not fit the views")
    return Imagined(tokens, weights)


def _view(about: Any, kept: Any, number: int) -> Memory:
    """Raises: ValueError, KeyError, TypeError where something does not fit."""
    arrays = {name: kept[f"{number}_{name}"] for name in _NAMES if f"{number}_{name}" in kept}
    if "places" not in arrays:  # version 1
        arrays["places"] = np.full((len(arrays["patches"]), 2), 0.5)
    pixels, mask = arrays["pixels"], arrays["mask"]
    floats = {name: np.asarray(arrays[name], np.float32) for name in _NAMES[2:]}
    floats["null"] = floats["null"][:2]
    dimension = floats["patches"].shape[1]
    fits = (
        about["kind"] in KINDS
        and pixels.dtype == np.uint8
        and pixels.shape == (*mask.shape, 3)
        and mask.dtype == np.bool_
        and mask.any()
        and max(mask.shape) <= SIDE
        and all(value.ndim == 1 + (name in (*_WIDE, "places")) for name, value in floats.items())
        and all(floats[name].shape[1] == dimension for name in _WIDE)
        and len(floats["patches"]) == len(floats["poses"]) == len(floats["weights"]) > 0
        and floats["places"].shape == (len(floats["patches"]), 2)
        and floats["null"].shape == (2,)
        and floats["null"][1] > 0
        and len(floats["query"]) == len(floats["query_weights"]) > 0
        and all(np.isfinite(value).all() for value in floats.values())
        and all(len(floats[name]) <= MOST_PATCHES for name in _WIDE)
        and bool(((floats["poses"] >= 0) & (floats["poses"] < MOST_POSES)).all())
    )
    if not fits:
        raise ValueError("arrays that do not fit each other")
    box = Box(*(float(edge) for edge in about["box"]))
    size = Size(*(int(side) for side in about["picture"]))
    return Memory(
        about["kind"], str(about["source"])[:300], str(about["content"])[:128], size, box,
        pixels, mask, **floats,
    )  # fmt: skip


_NAMES = (
    *("pixels", "mask", "patches", "poses", "weights", "places"),
    *("query", "query_weights", "around", "null"),
)
_WIDE = ("patches", "query", "around")  # vectors, the others numbers


def _check_sizes(kept: Any) -> None:
    """What would be unpacked, before it is: a small file may hold gigabytes of zeros. Raises: ValueError."""
    if sum(info.file_size for info in kept.zip.infolist()) > 4 * MOST_BYTES:
        raise ValueError("more than an object has")
