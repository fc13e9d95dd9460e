"""Eight pictures of the training, seen again and again: where CLS looks, and what patches have in common."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import numpy as np
from PIL import Image

from dinoscope.errors import DiskFull
from dinoscope.features import FloatArray, Pixels
from dinoscope.models.vit import Vit
from dinoscope.pictures.limits import Limits
from dinoscope.training.eyes import chosen, looking, middle, shown
from dinoscope.training.items import Items
from dinoscope.training.recipe import Recipe
from dinoscope.training.runs import Run

SAMPLES = 8
_PATCHES = 16  # to a side at least: finer than small training views, so that maps show something
_HEAT = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float64)
_REACH = 2.0  # standard deviations of a component from mid grey to full colour


class Snapshots:
    """Writes ``samples/{i}-picture.png`` once, and two maps of each whenever asked."""

    def __init__(self, run: Run, items: Items, recipe: Recipe, limits: Limits) -> None:
        patch = recipe.model.patch
        self.side = patch * max(_PATCHES, recipe.crops.global_size // patch)  # pixels
        self._folder = run.samples
        found: list[Pixels] = []
        for item in chosen(items, SAMPLES):
            picture = middle(item, self.side, limits)
            if picture is not None:
                found.append(picture)
            if len(found) == SAMPLES:
                break
        self.pictures = found
        self._written = False

    def write(self, vit: Vit, step: int) -> list[tuple[str, Pixels]]:
        """Attention and PCA maps of all pictures at this step, as files and as (name, pixels).

        Raises:
            DiskFull: they could not be written.
        """
        if not self.pictures:
            return []
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not self._written:
                self._save([(f"{i}-picture", picture) for i, picture in enumerate(self.pictures)])
                self._written = True
            maps = list(self._maps(vit))
            self._save([(f"{step}-{name}", pixels) for name, pixels in maps])
        except OSError as error:
            raise DiskFull(
                f"cannot write samples to {self._folder} ({error.strerror}): make room, then resume"
            ) from None
        return maps

    def _maps(self, vit: Vit) -> Iterator[tuple[str, Pixels]]:
        with looking(vit):
            tokens, attention = vit.with_attention(shown(vit, self.pictures))
        grid = self.side // vit.config.patch
        seen = attention.float().mean(1).cpu().numpy()  # (n, N) over heads
        patches = tokens.patches.float().cpu().numpy()  # (n, N, D)
        colours = self._colours(patches.reshape(-1, patches.shape[-1])).reshape(len(seen), grid, grid, 3)
        for number in range(len(seen)):
            yield f"{number}-attention", _large(heat(seen[number].reshape(grid, grid)), self.side)
            yield f"{number}-pca", _large(colours[number], self.side)

    def _colours(self, patches: FloatArray) -> Pixels:
        """(n * N, D) -> (n * N, 3), the same colour for the same thing as at the step before."""
        scores, path = components(patches), self._folder / "components.npy"
        try:
            before = np.load(path, allow_pickle=False)
        except (OSError, ValueError):  # the first time, or cut off by a full disk
            before = None
        if before is not None and before.shape == scores.shape:
            scores = aligned(scores, before)
        np.save(path, scores)
        scaled = scores / np.maximum(scores.std(0), 1e-9) / _REACH
        return np.asarray(np.clip(127.5 * (scaled + 1), 0, 255), np.uint8)

    def _save(self, pictures: list[tuple[str, Pixels]]) -> None:
        for name, pixels in pictures:
            fresh = self._folder / f"{name}.tmp"
            Image.fromarray(pixels).save(fresh, "png")
            fresh.replace(_png(fresh))


def components(rows: FloatArray) -> FloatArray:
    """(n, D) -> (n, 3) scores on the three main axes, each turned so that its longer tail is positive."""
    centred = rows - rows.mean(0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    scores = np.asarray(centred @ axes[:, ::-1][:, :3], np.float32)
    return scores * np.where((scores**3).mean(0) < 0, -1, 1).astype(np.float32)


def aligned(scores: FloatArray, before: FloatArray) -> FloatArray:
    """The (n, 3) components in the order and with the signs that agree most with the (n, 3) ones before."""
    spread = np.outer(before.std(0), scores.std(0))
    agreement = (before - before.mean(0)).T @ (scores - scores.mean(0)) / np.maximum(spread, 1e-12)
    best = max(permutations(range(3)), key=lambda order: np.abs(agreement[range(3), order]).sum())
    signs = np.where(agreement[range(3), best] < 0, -1, 1).astype(np.float32)
    return scores[:, best] * signs


def heat(values: FloatArray) -> Pixels:
    """(rows, columns) -> (rows, columns, 3): black for the least, yellow for the most."""
    low, high = float(values.min()), float(values.max())
    places = (values - low) / max(high - low, 1e-12) * (len(_HEAT) - 1)
    lower = np.minimum(places.astype(np.int64), len(_HEAT) - 2)
    part = (places - lower)[..., None]
    return np.asarray(_HEAT[lower] * (1 - part) + _HEAT[lower + 1] * part, np.uint8)


def _large(small: Pixels, side: int) -> Pixels:
    return np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.NEAREST))


def _png(path: Path) -> Path:
    return path.with_suffix(".png")
