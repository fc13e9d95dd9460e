"""The compact grids of looking inside. All numbers are little-endian; docs/api.md describes each."""

from __future__ import annotations

import struct

import numpy as np

from dinoscope.features import Inside
from dinoscope.operations.colouring import Colours
from dinoscope.operations.explaining import cosines

LOOK, COLOURS = b"DLK1", b"DLC1"
LOOK_HEADER = struct.Struct("<4s6H2If4x")  # 32 bytes, the last 4 of no meaning
COLOURS_HEADER = struct.Struct("<4s2H")


def packed_look(inside: Inside, layers: int, seconds: float) -> bytes:
    """Attention of each head, and how alike all patches are to each other.

    Args:
        layers: the model's.
        seconds: what looking cost; 0 when it was known.
    """
    heads, rows, columns = inside.attention.shape
    size = inside.grid.picture
    largest = inside.attention.reshape(heads, -1).max(axis=1)
    shares = inside.attention / np.maximum(largest, 1e-12)[:, None, None]
    header = LOOK_HEADER.pack(
        LOOK, rows, columns, heads, inside.layer, layers, 0, size.width, size.height, seconds
    )
    return b"".join(
        [
            header,
            largest.astype("<f4").tobytes(),
            np.rint(255 * shares).astype(np.uint8).tobytes(),
            cosines(inside).tobytes(),
        ]
    )


def packed_colours(colours: Colours) -> bytes:
    """Red, green, blue, and how much it is foreground, of each patch."""
    rows, columns = colours.foreground.shape
    foreground = np.rint(255 * colours.foreground).astype(np.uint8)
    pixels = np.concatenate([colours.rgb, foreground[..., None]], axis=-1)
    return COLOURS_HEADER.pack(COLOURS, rows, columns) + pixels.tobytes()
