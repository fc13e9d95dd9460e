"""Finding human faces: CenterFace, quantised, by ONNX Runtime on the CPU.

A small pass over the whole picture answers most; what it is unsure of gets a second look, mirrored and
from near. Numbers and where the weights come from: docs/decisions/020-faces.md, detector/NOTICE.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import numpy as np

from dinoscope.errors import FacesUnchecked
from dinoscope.features import FloatArray, Pixels
from dinoscope.geometry import Box

CHECKSUM = "e93ddd5e3cb52b50218689d6e9462616c8251cac9045899397e77b997bfc2401"
SIDE = 480  # pixels the longer side is brought to, also of smaller pictures
SURE = 0.90  # score from which a face needs no second look
UNSURE = 0.25  # score below which there is none
FACE = 0.50  # mean of the looks from which it is one
LOOKS = 3  # of the unsure ones, most promising first, how many are looked at again
SMALLEST = 12  # pixels of the shorter side of a face, at SIDE: fewer tell nobody from anybody

_STEP = 32  # the network halves five times
_CELL = 4  # pixels of the input a number of its output stands for
_NEAR = 256  # pixels a side of a second look
_AROUND = 2.2  # sides of the face that a second look takes in
_SAME = 0.3  # intersection over union from which two boxes are one face


@dataclass(frozen=True, slots=True)
class Face:
    """Where a face is, in pixels of the picture that was looked at, and how sure that is."""

    box: Box
    score: float  # 0 to 1


def find(pixels: Pixels) -> tuple[Face, ...]:
    """The human faces of an upright picture, the surest first.

    Args:
        pixels: (height, width, 3) sRGB.

    Raises:
        FacesUnchecked: the detector cannot run.
    """
    try:
        seen = _seen(pixels, SIDE, UNSURE)
        sure = [face for face in seen if face.score >= SURE]
        if sure:  # the others of a picture with a face are no matter of doubt
            return tuple(face for face in seen if face.score >= FACE)
        again = [Face(face.box, _again(pixels, face)) for face in seen[:LOOKS]]
        return tuple(sorted((one for one in again if one.score >= FACE), key=lambda one: -one.score))
    except FacesUnchecked:
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, a picture that was not looked at stays out
        raise _unchecked(error) from None


def ready() -> None:
    """Open the detector now, to be told early. Raises: FacesUnchecked."""
    try:
        _session()
    except FacesUnchecked:
        raise
    except Exception as error:  # noqa: BLE001  ONNX Runtime raises kinds of its own
        raise _unchecked(error) from None


def _again(pixels: Pixels, face: Face) -> float:
    """The mean of three looks at a face: the first one, mirrored, and from near."""
    mirrored = _best_near(pixels[:, ::-1], _mirrored(face.box, pixels.shape[1]), SIDE)
    crop, box = _around(pixels, face.box)
    near = _best_near(crop, box, _NEAR)
    return float(face.score + mirrored + near) / 3


def _best_near(pixels: Pixels, box: Box, side: int) -> float:
    """The best score of what is found where ``box`` is; 0 where nothing is."""
    return max((one.score for one in _seen(pixels, side, 0.05) if one.box.overlap(box) > _SAME), default=0.0)


def _mirrored(box: Box, width: int) -> Box:
    return Box(width - box.right, box.top, width - box.left, box.bottom)


def _around(pixels: Pixels, box: Box) -> tuple[Pixels, Box]:
    """A square about a box, as far as the picture goes, and the box in it."""
    height, width = pixels.shape[:2]
    half = _AROUND * max(box.right - box.left, box.bottom - box.top) / 2
    (x, y) = box.centre
    left, top = max(0, round(x - half)), max(0, round(y - half))
    right, bottom = min(width, round(x + half)), min(height, round(y + half))
    moved = Box(box.left - left, box.top - top, box.right - left, box.bottom - top)
    return pixels[top : max(bottom, top + 1), left : max(right, left + 1)], moved


def _seen(pixels: Pixels, side: int, at_least: float) -> list[Face]:
    """One pass over a picture whose longer side is brought to ``side``, the surest first."""
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    wide, high = (max(_STEP, round(one * scale / _STEP) * _STEP) for one in (width, height))
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image = image.resize((wide, high), Image.Resampling.BILINEAR, reducing_gap=1.5)
    picture = np.ascontiguousarray(np.asarray(image, np.float32).transpose(2, 0, 1)[None])
    heat, scales, offsets = _session().run(["537", "538", "539"], {"input.1": picture})
    return _decoded(heat[0, 0], scales[0], offsets[0], (width / wide, height / high), at_least)


def _decoded(
    heat: FloatArray, scales: FloatArray, offsets: FloatArray, scale: tuple[float, float], at_least: float
) -> list[Face]:
    """Boxes from the network's maps (CenterFace, arXiv 1911.03599), each face once.

    Args:
        heat: (rows, columns) in [0, 1].
        scales, offsets: (2, rows, columns), of y and x.
        scale: pixels of the picture a pixel of the input is, along x and y.
    """
    rows, columns = np.nonzero(heat > at_least)
    if not len(rows):
        return []
    high, wide = np.exp(scales[:, rows, columns]) * _CELL
    y, x = (np.stack([rows, columns]) + offsets[:, rows, columns] + 0.5) * _CELL
    large = np.minimum(high, wide) >= SMALLEST
    edges = np.stack([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2], axis=1) * np.tile(scale, 2)
    scores = heat[rows, columns]
    found: list[Face] = []
    for index in np.argsort(-scores, kind="stable"):
        if large[index]:
            box = Box(*(float(edge) for edge in edges[index]))
            if all(box.overlap(other.box) < _SAME for other in found):
                found.append(Face(box, float(scores[index])))
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
