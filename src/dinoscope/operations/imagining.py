"""What a library's tokens of a thing would be: it is laid into photos, as large as it may be in a picture.

A token of a whole picture knows its scene, and the patches of a small thing hold much of what is around it.
What is taught is seen larger and elsewhere, so of things on a fiftieth of a picture few were named by it
(docs/decisions/022-remembering.md). To see the thing in a scene of the shipped sample costs an encoding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np
from PIL import Image

from dinoscope.features import FloatArray, Pixels, normalise
from dinoscope.geometry import Bools, Mask
from dinoscope.operations.keepsakes import sampled
from dinoscope.operations.memories import Imagined, Memory
from dinoscope.operations.pooling import grouped, placed
from dinoscope.operations.queries import pixels_of
from dinoscope.operations.region_query import Seen, foregrounds
from dinoscope.operations.whereabouts import Looker
from dinoscope.pictures.limits import Limits

SHARES = (0.02, 0.05, 0.12)  # of a scene that the thing covers
SIDE = 384  # pixels of a scene's longer side
ROOM = 0.95  # of a scene's side that a thing may take
HALF = 0.5  # of a patch, beside the one covered most, from which it is the thing's
EACH, MOST = 12, 32  # tokens of a scene, and of all


def imagined(looker: Looker, views: Sequence[Memory], limits: Limits) -> Imagined:
    """Tokens of scenes, MOST at most, of one view or more: three encodings each."""
    laid = list(_scenes(views, limits))
    features = looker.backbone.encode([scene for scene, _ in laid])
    parts = [
        _tokens(Seen.of(each, looker.basis), mask) for each, (_, mask) in zip(features, laid, strict=True)
    ]
    tokens, says = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Imagined(*merged(tokens, says, tokens, MOST))


def merged(
    tokens: FloatArray, says: FloatArray, points: FloatArray, most: int
) -> tuple[FloatArray, FloatArray]:
    """At most so many means of (n, P) tokens whose points are near each other, and their weights, sum 1."""
    owners = grouped(points, int(says.argmax()), most)
    member = (owners[None] == np.arange(owners.max() + 1)[:, None]) * says
    weights = member.sum(axis=1)
    return normalise(np.asarray(member @ tokens, np.float32)), np.asarray(weights / weights.sum(), np.float32)


def _scenes(views: Sequence[Memory], limits: Limits) -> Iterator[tuple[Pixels, Bools]]:
    """A view in a scene of each share, every second one mirrored, always the same; and where it is there."""
    dice = np.random.default_rng(0)
    grounds = [pixels_of(path, limits, "own") for path in sampled(len(SHARES) * len(views))]
    for number, ground in enumerate(grounds):
        view = views[number // len(SHARES)]
        yield _laid(view, SHARES[number % len(SHARES)], ground, dice, mirrored=number % 2 == 1)


def _laid(
    view: Memory, share: float, ground: Pixels, dice: np.random.Generator, *, mirrored: bool
) -> tuple[Pixels, Bools]:
    scene = Image.fromarray(ground)
    scale = SIDE / max(scene.size)
    scene = scene.resize((round(scene.width * scale), round(scene.height * scale)), Image.Resampling.BILINEAR)
    box = Mask(view.mask).box
    inside = tuple(int(edge) for edge in (box.left, box.top, box.right, box.bottom))
    thing, outline = (Image.fromarray(each).crop(inside) for each in (view.pixels, view.mask))  # type: ignore[arg-type]
    outline = outline.convert("L")
    if mirrored:
        thing, outline = (each.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for each in (thing, outline))
    scale = min(
        sqrt(share * scene.width * scene.height / float(view.mask.sum())),
        ROOM * scene.width / thing.width,
        ROOM * scene.height / thing.height,
    )
    size = max(4, round(thing.width * scale)), max(4, round(thing.height * scale))
    thing, outline = (each.resize(size, Image.Resampling.BILINEAR) for each in (thing, outline))
    place = int(dice.integers(scene.width - size[0] + 1)), int(dice.integers(scene.height - size[1] + 1))
    scene.paste(thing, place, outline)
    covered = Image.new("L", scene.size)
    covered.paste(outline, place)
    mask = np.array(covered) >= 128
    mask[place[1] + size[1] // 2, place[0] + size[0] // 2] |= not mask.any()
    return np.asarray(scene), mask


def _tokens(seen: Seen, mask: Bools) -> tuple[FloatArray, FloatArray]:
    """Of the thing in one scene: tokens and weights, sum 1."""
    wanted = seen.grid.coverage(Mask(mask))
    wanted = wanted / float(wanted.max())
    say = foregrounds(seen, wanted) * wanted * (wanted >= HALF)
    chosen = say > 0
    return merged(seen.reduced[chosen], say[chosen], placed(seen.reduced)[chosen], EACH)
