"""Files that mean harm, made from a seed: of every kind the picture door accepts, and of some it must not.

``hand_made`` holds what an attacker would think of, ``mutated`` what nobody would: whole pictures of every
kind with bytes changed, cut, doubled and spliced. Sizes are stated against ``Limits``, so that the same bombs
lie just below and far beyond them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from tests.hostile.containers import boxed, jpegs, tiffs
from tests.hostile.foreign import cut, foreign
from tests.hostile.pieces import Hostile
from tests.hostile.rasters import bitmaps, gifs, pngs, webps
from tests.hostile.whole import whole_pictures


def corpus(mutations: int, seed: int = 0, pixels: int = 4_000_000) -> Iterator[Hostile]:
    """All that was made by hand, then so many mutations. ``pixels``: the limit the bombs aim at."""
    yield from hand_made(pixels)
    yield from mutated(mutations, seed)


def hand_made(pixels: int) -> Iterator[Hostile]:
    """Bombs, lies, junk and foreign files."""
    side = int(pixels**0.5)
    for make in (pngs, jpegs, gifs, tiffs, webps, boxed, bitmaps):
        yield from make(side)
    yield from foreign()
    yield from cut()


def mutated(count: int, seed: int = 0) -> Iterator[Hostile]:
    """So many mutants, of each kind in turn."""
    rng = np.random.default_rng(seed)
    wholes = list(whole_pictures().items())
    for number in range(count):
        name, data = wholes[number % len(wholes)]
        yield Hostile(f"{name} mutant {seed}.{number}", mutant(data, wholes, rng))


def mutant(data: bytes, wholes: list[tuple[str, bytes]], rng: np.random.Generator) -> bytes:
    """One to four changes."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        reach = min(96, len(changed)) if rng.random() < 0.5 else len(changed)  # half of them in the headers
        place = int(rng.integers(0, max(1, reach)))
        match int(rng.integers(0, 8)):
            case 0 | 1:
                changed[place : place + 1] = rng.bytes(1)
            case 2:
                odd = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 65_500, 16_000)
                value = int(odd[int(rng.integers(len(odd)))])
                width = 2 if value < 65_536 else 4
                changed[place : place + width] = value.to_bytes(
                    width, "big" if rng.random() < 0.5 else "little"
                )
            case 3:
                del changed[place + 1 :]
            case 4:
                length = int(rng.integers(1, 200))
                changed[place:place] = changed[place : place + length] * int(rng.integers(1, 30))
            case 5:
                del changed[place : place + int(rng.integers(1, 64))]
            case 6:
                other = wholes[int(rng.integers(len(wholes)))][1]
                changed[place:] = other[int(rng.integers(len(other))) :]
            case _:
                changed[place : place + 16] = rng.bytes(16)
        if not changed:
            break
    return bytes(changed)
