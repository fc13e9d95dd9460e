"""Paint how like one spot of a picture all its other parts are, as the model sees them.

    python examples/patch_map.py PICTURE X Y OUT.png

X and Y are pixels of the picture. White is most alike.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import dinoscope


def main(picture: Path, x: float, y: float, out: Path) -> None:
    features = dinoscope.encode(picture)
    spot = features.grid.patch_at(x, y)
    likeness = features.patches @ features.patches[spot]  # (rows, columns) cosines
    low, high = likeness.min(), likeness.max()
    grey = np.uint8(255 * (likeness - low) / (high - low))
    size = features.grid.picture
    Image.fromarray(grey).resize((size.width, size.height), Image.Resampling.BICUBIC).save(out)
    print(f"{out}: a grid of {features.grid.rows} x {features.grid.columns} patches")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
