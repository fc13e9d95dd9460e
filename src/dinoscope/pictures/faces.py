"""Finding human faces: CenterFace, quantised, by ONNX Runtime on the CPU.

Two passes over the whole picture propose: one with all its pixels up to a megapixel, and a small one, for
faces that fill it and for pictures that lie on their side. Two looks from near decide, one of them mirrored.
Numbers and where the weights come from: docs/decisions/020-faces.md, detector/NOTICE.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from dinoscope.errors import FacesUnchecked
from dinoscope.features import FloatArray, Pixels
from dinoscope.geometry import Box

if TYPE_CHECKING:
    from PIL.Image import Image

CHECKSUM = "e93ddd5e3cb52b50218689d6e9462616c8251cac9045899397e77b997bfc2401"
AREA = 2**20  # pixels of a picture that are looked at for faces in a scene; it is reduced to that
SIDE = 384  # pixels the longer side is brought to of a picture that has fewer
SMALL = 128  # and for faces that fill a picture, which may lie on its side or on its head
MAYBE = 0.30  # score of the first look from which it is looked at again, from near
FAR = 0.20  # likewise in a scene of more than SIDE pixels, where faces are small and near looks tell more
FACE = 0.50  # mean of the looks from near, as it is and mirrored, from which it is one
FAR_FACE = 0.58  # likewise of one that is small in its picture: much is blurred enough to look like one
BESIDE = 0.10  # score of the first look that is enough for another face beside one that is certain
LOOKS = 4  # of the likeliest, how many are looked at again
SMALLEST = 8  # pixels of the shorter side of a face in the first look: fewer tell nobody from anybody

_STEP = 32  # the network halves five times
_CELL = 4  # pixels of the input a number of its output stands for
_NEAR = 192  # pixels a side of a look from near
_AROUND = 2.2  # sides of the face that it takes in: the network was made for faces of a hundred pixels
_SAME = 0.3  # intersection over union from which two boxes are one face
_SMALL_SHARE = 0.1  # of the picture's longer side
_BORDER = 0.1  # share of a small picture that is added at each side
_GREY = 114  # of what is added around a picture


@dataclass(frozen=True, slots=True)
class Face:
    """Where a face is, in pixels of the picture that was looked at, and how sure that is."""

    box: Box
    score: float  # 0 to 1


def find(pixels: Pixels) -> tuple[Face, ...]:
    """The human faces of an upright picture, the surest first.

    Beside one that is certain, whatever may be another counts as one: whoever hides them hides all.

    Args:
        pixels: (height, width, 3) sRGB.

    Raises:
        FacesUnchecked: the detector cannot run.
    """
    try:
        likely = _likely(pixels)
        for turns, face in worth_a_look(likely, pixels):
            score = _from_near(np.rot90(pixels, turns), face.box)
            if score >= needed(face, pixels):
                first = Face(_turned_back(face.box, turns, pixels), score)
                beside = (_at_home(other, pixels) for other in likely if other[1] is not face)
                return tuple(_once([first, *beside]))
        return ()
    except FacesUnchecked:
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, a picture that was not looked at stays out
        raise _unchecked(error) from None


def worth_a_look(likely: list[tuple[int, Face]], pixels: Pixels) -> list[tuple[int, Face]]:
    """Those of ``_likely`` that are looked at from near."""
    least = FAR if max(pixels.shape[:2]) > SIDE else MAYBE
    return [one for one in likely[:LOOKS] if one[1].score >= least]


def needed(face: Face, pixels: Pixels) -> float:
    """The mean score from near that makes it a face."""
    box = face.box
    small = max(box.right - box.left, box.bottom - box.top) < _SMALL_SHARE * max(pixels.shape[:2])
    return FAR_FACE if small else FACE


def ready() -> None:
    """Open the detector now, to be told early. Raises: FacesUnchecked."""
    try:
        _session()
    except FacesUnchecked:
        raise
    except Exception as error:  # noqa: BLE001  ONNX Runtime raises kinds of its own
        raise _unchecked(error) from None


def _likely(pixels: Pixels) -> list[tuple[int, Face]]:
    """(quarter turns, what seems to be a face in the picture turned so), the likeliest first."""
    from PIL import Image

    height, width = pixels.shape[:2]
    side = max(SIDE, round(max(width, height) * min(1.0, sqrt(AREA / (width * height)))))
    scene = Image.fromarray(np.ascontiguousarray(pixels))
    far = _seen(scene, side, [0], BESIDE)[0]
    whole = scene.resize(_fitted(scene.size, SIDE), Image.Resampling.BILINEAR, reducing_gap=1.5)
    across, down = round(whole.width * _BORDER), round(whole.height * _BORDER)
    bordered = _cut(np.asarray(whole), -across, -down, whole.width + across, whole.height + down)
    scale = width / whole.width, height / whole.height  # of the picture to what is looked at
    small = _seen(bordered, SMALL, [0, 1, 2, 3], MAYBE)
    for turns, found in enumerate(small):
        by, to = ((-across, -down), scale) if turns % 2 == 0 else ((-down, -across), scale[::-1])
        small[turns] = [Face(_moved(_moved(one.box, (1, 1), by), to), one.score) for one in found]
    likely = [(0, face) for face in _once([*far, *small[0]])]
    likely += [(turns, face) for turns in (1, 2, 3) for face in small[turns]]
    return sorted(likely, key=lambda one: -one[1].score)


def _seen(image: Image, side: int, turns: Sequence[int], at_least: float) -> list[list[Face]]:
    """What a picture seems to hold, turned in each way, in its pixels; its longer side becomes ``side``."""
    wide, high = _fitted(image.size, side)
    across, along = image.width / wide, image.height / high
    picture = _shrunk(image, wide, high)
    found: dict[int, list[Face]] = {}
    for alike in (turns[0::2], turns[1::2]):  # of one shape
        maps = _run([np.rot90(picture, turn, (1, 2)) for turn in alike]) if alike else ((), (), ())
        for turn, heat, scales, offsets in zip(alike, *maps, strict=True):
            back = (across, along) if turn % 2 == 0 else (along, across)
            found[turn] = [
                Face(_moved(one.box, back), one.score)
                for one in _decoded(heat[0], scales, offsets, at_least)
                if min(one.box.right - one.box.left, one.box.bottom - one.box.top) >= SMALLEST
            ]
    return [found[turn] for turn in turns]


def _at_home(found: tuple[int, Face], pixels: Pixels) -> Face:
    """A face of the turned picture in the pixels themselves, as sure as the first look was."""
    turns, face = found
    return Face(_turned_back(face.box, turns, pixels), min(face.score, FACE))


def _fitted(size: tuple[int, int], side: int) -> tuple[int, int]:
    """(width, height) the network takes, nearly of the same shape, the longer one ``side``."""
    wide, high = (max(_STEP, round(one * side / max(size) / _STEP) * _STEP) for one in size)
    return wide, high


def _turned_back(box: Box, turns: int, pixels: Pixels) -> Box:
    """A box of ``np.rot90(pixels, turns)`` in the pixels themselves."""
    height, width = pixels.shape[:2]
    for turn in range(turns, 0, -1):
        before = width if turn % 2 else height  # the width of what was turned
        box = Box(before - box.bottom, box.left, before - box.top, box.right)
    return box


def _from_near(pixels: Pixels, box: Box) -> float:
    """The mean score of two looks from near, one of them mirrored; 0 for what is not found again."""
    half = _AROUND * max(box.right - box.left, box.bottom - box.top) / 2
    (x, y) = box.centre
    left, top, right, bottom = round(x - half), round(y - half), round(x + half), round(y + half)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    near = _shrunk(_cut(pixels, left, top, right, bottom), _NEAR, _NEAR)
    heat, scales, offsets = _run([near, near[:, :, ::-1]])
    scale = _NEAR / (right - left), _NEAR / (bottom - top)
    here = _moved(Box(box.left - left, box.top - top, box.right - left, box.bottom - top), scale)
    there = Box(_NEAR - here.right, here.top, _NEAR - here.left, here.bottom)
    scores = [
        max((one.score for one in found if one.box.overlap(place) > _SAME), default=0.0)
        for place, found in (
            (place, _decoded(heat[look, 0], scales[look], offsets[look], 0.05))
            for look, place in enumerate((here, there))
        )
    ]
    return sum(scores) / len(scores)


def _cut(pixels: Pixels, left: int, top: int, right: int, bottom: int) -> Image:
    """A rectangle of a picture, grey where it reaches beyond."""
    from PIL import Image

    height, width = pixels.shape[:2]
    inside = pixels[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    part = Image.fromarray(np.ascontiguousarray(inside))
    if part.size == (right - left, bottom - top):
        return part
    whole = Image.new("RGB", (right - left, bottom - top), (_GREY, _GREY, _GREY))
    whole.paste(part, (max(0, -left), max(0, -top)))
    return whole


def _shrunk(image: Image, wide: int, high: int) -> FloatArray:
    """(3, high, wide) as the network takes it."""
    from PIL import Image

    if image.size != (wide, high):
        image = image.resize((wide, high), Image.Resampling.BILINEAR, reducing_gap=1.5)
    return np.asarray(image, np.float32).transpose(2, 0, 1)


def _moved(box: Box, scale: tuple[float, float], by: tuple[float, float] = (0.0, 0.0)) -> Box:
    """Edges times ``scale`` along x and y, then moved."""
    box, (x, y) = box.scaled(*scale), by
    return Box(box.left + x, box.top + y, box.right + x, box.bottom + y)


def _run(pictures: list[FloatArray]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The network's maps of some pictures of one size: heat, sizes, offsets."""
    heat, scales, offsets = _session().run(["537", "538", "539"], {"input.1": np.stack(pictures)})
    return heat, scales, offsets


def _decoded(heat: FloatArray, scales: FloatArray, offsets: FloatArray, at_least: float) -> list[Face]:
    """Boxes in the input's pixels from the network's maps (CenterFace, arXiv 1911.03599), each face once.

    Args:
        heat: (rows, columns) in [0, 1].
        scales, offsets: (2, rows, columns), of y and x.
    """
    rows, columns = np.nonzero(heat >= at_least)
    high, wide = np.exp(np.minimum(scales[:, rows, columns], 8)) * _CELL
    y, x = (np.stack([rows, columns]) + offsets[:, rows, columns] + 0.5) * _CELL
    edges = np.stack([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2], axis=1)
    scores = heat[rows, columns]
    return _once(
        Face(Box(*(float(edge) for edge in box)), float(score))
        for box, score in zip(edges, scores, strict=True)
    )


def _once(faces: Iterable[Face]) -> list[Face]:
    """The surest first, and each face once."""
    found: list[Face] = []
    for face in sorted(faces, key=lambda one: -one.score):
        if all(face.box.overlap(other.box) < _SAME for other in found):
            found.append(face)
    return found


@cache
def _session() -> Any:
    """One per process, on one thread: pictures are looked at side by side in processes of their own."""
    import onnxruntime as ort

    data = (files("dinoscope.pictures") / "detector" / "faces.onnx").read_bytes()
    if sha256(data).hexdigest() != CHECKSUM:
        raise ValueError("its weights are not those that belong to this version")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False  # sizes differ from picture to picture: it would only grow
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _unchecked(error: Exception) -> FacesUnchecked:
    text = " ".join(str(error).split())[:120] or type(error).__name__
    return FacesUnchecked(
        f"pictures cannot be checked for faces ({text}), so none is taken in: reinstall Dinoscope, or let "
        "faces in with --faces allow"
    )
