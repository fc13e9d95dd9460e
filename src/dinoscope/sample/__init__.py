"""The sample library: 266 freely licensed photos to try Dinoscope on, and 106 details cut out of some.

``ATTRIBUTION.md`` names author, licence and source of each. ``scripts/make_sample.py`` made them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
PICTURES = FOLDER / "pictures"  # <group>/<label>[-NN].webp, longest side at most 1024 pixels


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample picture and what it shows."""

    path: Path
    group: str  # "animals", "fishes", "monuments", "others", "paintings", "renewable" or "tools"
    label: str  # "windmill"


@dataclass(frozen=True, slots=True)
class Detail:
    """A crop, and where its centre lies in the sample picture it was cut from."""

    path: Path
    source: Path
    centre: tuple[float, float]  # (x, y) as fractions of the source's width and height


def samples() -> tuple[Sample, ...]:
    """Every sample picture, ordered by path."""
    rows = _rows("labels.csv")
    return tuple(Sample(PICTURES / row["file"], row["group"], row["label"]) for row in rows)


def details() -> tuple[Detail, ...]:
    """Every detail crop."""
    return tuple(
        Detail(FOLDER / row["crop"], FOLDER / row["source"], (float(row["cx_frac"]), float(row["cy_frac"])))
        for row in _rows("details.csv")
    )


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
