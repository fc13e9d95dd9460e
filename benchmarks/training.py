"""Pictures a second of training, beside DINO's recipe run step by step.

    python benchmarks/training.py [FOLDER] [--preset NAME] [--steps N] [--rounds N] [--batch N] [--threads N]

Promise: faster per picture than the reference implementation on the same machine, at an equal loss curve,
and never waiting for data. The peer is the published algorithm (Caron et al. 2021, facebookresearch/dino)
written out plainly: one forward pass for each resolution in eager fp32 with explicit attention, losses pair
by pair, gradients, optimiser and teacher parameter by parameter, and every view made by Pillow in a data
loader's processes. Both start from the same weights.

"step": views already in memory, colours included on our side (they are part of our step). "whole": from
files to the teacher's update, each with its own loader; after the first epoch ours finds pictures decoded.
"waited": share of the time the network stood still for want of pictures. "loss": largest difference of any
step's loss from the peer's when both see the same views, relative; bf16 rounds to 8 bits.
"""

from __future__ import annotations

import argparse
import copy
import datetime
import math
import os
import platform
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from dinoscope.models.vit import Vit
from dinoscope.pictures.limits import Limits
from dinoscope.settings import Settings
from dinoscope.training.colours import coloured, normalised, unit
from dinoscope.training.distributed import Place
from dinoscope.training.gathering import gather
from dinoscope.training.heads import ProjectionHead
from dinoscope.training.loader import Batch, Loader, default_workers
from dinoscope.training.presets import recipe_for
from dinoscope.training.recipe import Crops, Recipe, Span
from dinoscope.training.schedules import Knobs, schedules_of
from dinoscope.training.step import Stepper, has_bf16
from dinoscope.training.student_teacher import StudentTeacher

SAMPLE = Path(__file__).parents[1] / "src/dinoscope/sample/pictures"
CPU = torch.device("cpu")
LIMITS = Limits.of(Settings())
PLAIN = {"teacher.centring": "mean", "extras.koleo_weight": "0"}
HERE = Place(0, 1, CPU)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=SAMPLE)
    parser.add_argument("--preset", default="laptop")
    parser.add_argument("--steps", type=int, default=6, help="steps a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    items = gather([arguments.folder], LIMITS)
    # The paper's losses, which the peer has; no drop path: both sides would throw different dice.
    chosen = {"batch": str(arguments.batch), "drop_path": "0"} | PLAIN
    recipe = recipe_for(arguments.preset, 10_000, steps=1000, overrides=chosen)
    with Loader(items, recipe, LIMITS) as loader:
        batches = list(loader.batches(0, arguments.steps))
    print(heading(recipe, arguments.threads, len(items)))
    report_steps(recipe, batches, arguments.rounds)
    with TemporaryDirectory() as keep:
        loader = Loader(items, recipe, LIMITS, workers=default_workers(cuda=False), keep=Path(keep))
        report_whole(recipe, items_of(arguments.folder), loader, arguments.steps)


def heading(recipe: Recipe, threads: int, pictures: int) -> str:
    crops, model = recipe.crops, recipe.model
    return (
        f"{platform.processor() or platform.machine()}, {threads} threads, torch {torch.__version__}, "
        f"{datetime.date.today()}; {pictures} pictures, preset {recipe.name}: "
        f"ViT {model.dimension} x {model.depth} /{model.patch}, "
        f"2 x {crops.global_size} + {crops.locals} x {crops.local_size}, "
        f"K {recipe.head.prototypes}, batch {recipe.batch}; bf16 here: {has_bf16('auto', CPU)}"
    )


def stepped(stepper: Stepper, batch: Batch) -> float:
    return stepper.step(batch).loss


@dataclass(slots=True)
class Way:
    """One way to train: what a step is, its best speed and its losses in the first round."""

    step: Callable[[Batch], float]
    best: float = 0.0  # pictures/s
    losses: tuple[float, ...] = ()


def report_steps(recipe: Recipe, batches: list[Batch], rounds: int) -> None:
    """Rounds in turn, so that other load on the machine hits every way; each one's best counts."""
    ways = {"reference": Way(Reference(recipe).step)}
    for precision in ("fp32", "bf16") if has_bf16("auto", CPU) else ("fp32",):
        ways[f"dinoscope {precision}"] = Way(
            partial(stepped, Stepper(replace(recipe, precision=precision), HERE))
        )
    for _ in range(rounds):
        for way in ways.values():
            losses, began = [], perf_counter()
            for batch in batches:
                losses.append(way.step(batch))
            way.best = max(way.best, recipe.batch * len(batches) / (perf_counter() - began))
            way.losses = way.losses or tuple(losses)
    peer = ways["reference"]
    print(f"\n{'step':<18}{'pictures/s':>12}{'ratio':>8}{'loss':>10}")
    for name, way in ways.items():
        apart = max(abs(a - b) / abs(b) for a, b in zip(way.losses, peer.losses, strict=True))
        print(f"{name:<18}{way.best:>12.1f}{way.best / peer.best:>8.2f}{apart:>10.1e}")


def report_whole(recipe: Recipe, files: list[Path], loader: Loader, steps: int) -> None:
    """From files; the first batch, which nothing can hide, is left out.

    The first epoch decodes every picture, the later ones find them decoded; the peer decodes always.
    """
    speeds = {}
    reference = Reference(recipe)
    data = DataLoader(Views(files, recipe, steps + 1), recipe.batch, num_workers=default_workers(cuda=False))
    speeds["reference"] = timed(
        iter(data), lambda views: reference.learn(list(views), reference.knobs(0)), recipe.batch
    )
    with loader:
        step, epoch = partial(stepped, Stepper(recipe, HERE)), math.ceil(len(files) / recipe.batch)
        for name, first, count in (("first epoch", 0, epoch), ("later epochs", epoch, steps + 1)):
            speeds[f"dinoscope {name}"] = timed(loader.batches(first, first + count), step, recipe.batch)
    print(f"\n{'whole':<24}{'pictures/s':>12}{'ratio':>8}{'waited':>10}")
    for name, (speed, waited) in speeds.items():
        print(f"{name:<24}{speed:>12.1f}{speed / speeds['reference'][0]:>8.2f}{waited:>10.1%}")


def timed(batches: Iterator[Any], step: Callable[[Any], float], size: int) -> tuple[float, float]:
    """(pictures/s, share of the time spent waiting)."""
    step(next(batches))
    began, waited, count = perf_counter(), 0.0, 0
    while True:
        asked = perf_counter()
        batch = next(batches, None)
        if batch is None:
            break
        waited += perf_counter() - asked
        step(batch)
        count += size
    took = perf_counter() - began
    return count / took, waited / took


class Reference:
    """The algorithm of the paper, plainly. Weights are those our own pair starts from."""

    def __init__(self, recipe: Recipe) -> None:
        pair = StudentTeacher(recipe)
        self.recipe = recipe
        self.student, self.teacher = copy.deepcopy(pair.student), copy.deepcopy(pair.teacher)
        self.centre = torch.zeros(1, recipe.head.prototypes)
        named = [(n, p) for n, p in self.student.named_parameters() if p.requires_grad]
        plain = [p for n, p in named if n.endswith(".bias") or (p.ndim == 1 and not n.endswith("cls"))]
        decayed = [
            p for n, p in named if not (n.endswith(".bias") or (p.ndim == 1 and not n.endswith("cls")))
        ]
        self.optimiser = torch.optim.AdamW([{"params": decayed}, {"params": plain}], lr=0.0, foreach=False)
        self.schedules = schedules_of(recipe)

    def step(self, batch: Batch) -> float:
        """The same views that ours sees."""
        return self.learn(coloured(batch, self.recipe), self.knobs(batch.step), batch.step)

    def knobs(self, step: int) -> Knobs:
        return self.schedules.at(step)

    def learn(self, views: list[Tensor], knobs: Knobs, step: int = 0) -> float:
        for group, decay in zip(self.optimiser.param_groups, (knobs.weight_decay, 0.0), strict=True):
            group["lr"], group["weight_decay"] = knobs.rate, decay
        with torch.no_grad():
            taught = seen(self.teacher.backbone, self.teacher.head, views[:2])
        loss = self.loss(seen(self.student.backbone, self.student.head, views), taught, knobs.temperature)
        if not math.isfinite(loss.item()):
            raise SystemExit("the reference's loss is not finite")
        self.optimiser.zero_grad()
        loss.backward()
        for parameter in self.student.parameters():
            if parameter.grad is not None:
                shrink = self.recipe.optimiser.clip / (parameter.grad.norm(2) + 1e-6)
                if shrink < 1:
                    parameter.grad.mul_(shrink)
        if step < self.recipe.optimiser.freeze_last:
            for parameter in self.student.head.prototypes.parameters():
                parameter.grad = None
        self.optimiser.step()
        with torch.no_grad():
            students = dict(self.student.named_parameters())
            for name, mine in self.teacher.named_parameters():
                mine.mul_(knobs.momentum).add_((1 - knobs.momentum) * students[name])
        return float(loss.item())

    def loss(self, scores: Tensor, taught: Tensor, temperature: float) -> Tensor:
        students = (scores / self.recipe.teacher.student_temperature).chunk(2 + self.recipe.crops.locals)
        targets = functional.softmax((taught - self.centre) / temperature, dim=-1).chunk(2)
        total, terms = scores.new_zeros(()), 0
        for mine, target in enumerate(targets):
            for other, student in enumerate(students):
                if other != mine:
                    total = total + (-target * functional.log_softmax(student, dim=-1)).sum(-1).mean()
                    terms += 1
        momentum = self.recipe.teacher.centre_momentum
        self.centre = self.centre * momentum + taught.mean(0, keepdim=True) * (1 - momentum)
        return total / terms


def seen(backbone: Vit, head: ProjectionHead, views: list[Tensor]) -> Tensor:
    """(views * batch, K): a pass for each resolution, one through the head."""
    sizes = {view.shape[-1]: [each for each in views if each.shape[-1] == view.shape[-1]] for view in views}
    cls = torch.cat([described(backbone, torch.cat(same)) for same in sizes.values()])
    points = functional.normalize(head.mlp(cls), dim=-1)
    last = head.prototypes
    return functional.linear(points, torch._weight_norm(last.direction, last.length, 0))


def described(vit: Vit, pictures: Tensor) -> Tensor:
    """(batch, D) CLS tokens, with attention written out."""
    batch, heads = len(pictures), vit.config.heads
    patches = vit.patch(pictures).flatten(2).transpose(1, 2)
    tokens = torch.cat([vit.cls.expand(batch, 1, -1), patches], 1)
    assert vit.positions is not None
    tokens = tokens + torch.cat([vit.positions[:1], places(vit.positions, vit, pictures)])
    for block in vit.blocks:
        q, k, v = (
            block.qkv(block.norm1(tokens))
            .reshape(batch, -1, 3, heads, vit.config.head_dimension)
            .permute(2, 0, 3, 1, 4)
        )
        attention = (q @ k.transpose(-2, -1) * vit.config.head_dimension**-0.5).softmax(-1)
        tokens = tokens + block.proj((attention @ v).transpose(1, 2).flatten(2))
        tokens = tokens + block.fc2(functional.gelu(block.fc1(block.norm2(tokens))))
    return vit.norm(tokens)[:, 0]


def places(positions: Tensor, vit: Vit, pictures: Tensor) -> Tensor:
    """(N, D) positions stretched as DINO does, an offset of a tenth of a patch in the scale included."""
    rows, columns = vit.config.position_grid
    height, width = (side // vit.config.patch for side in pictures.shape[-2:])
    if (height, width) == (rows, columns):
        return positions[1:]
    plane = positions[1:].reshape(1, rows, columns, -1).permute(0, 3, 1, 2)
    scale = (height + 0.1) / rows, (width + 0.1) / columns
    stretched = functional.interpolate(plane, scale_factor=scale, mode="bicubic")
    return stretched.permute(0, 2, 3, 1).flatten(0, 2)


class Views(Dataset[list[Tensor]]):  # type: ignore[misc]  # torch is not there when types are checked
    """Every view of a picture by Pillow, as the published augmentation makes them."""

    def __init__(self, files: list[Path], recipe: Recipe, steps: int) -> None:
        self.files, self.recipe, self.count = files, recipe, steps * recipe.batch

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> list[Tensor]:
        dice, crops = random.Random(index), self.recipe.crops
        picture = Image.open(self.files[index % len(self.files)]).convert("RGB")
        shapes = [(crops.global_size, crops.global_scale)] * 2 + [
            (crops.local_size, crops.local_scale)
        ] * crops.locals
        views = [
            edited(cropped(picture, size, scale, dice), number, crops, dice)
            for number, (size, scale) in enumerate(shapes)
        ]
        return [normalised(unit(torch.from_numpy(np.array(view))[None]))[0] for view in views]


def cropped(picture: Image.Image, size: int, scale: Span, dice: random.Random) -> Image.Image:
    width, height = picture.size
    for _ in range(10):
        area = width * height * dice.uniform(*scale)
        ratio = math.exp(dice.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            x, y = dice.randint(0, width - w), dice.randint(0, height - h)
            return picture.crop((x, y, x + w, y + h)).resize((size, size), Image.Resampling.BICUBIC)
    return ImageOps.fit(picture, (size, size), Image.Resampling.BICUBIC)


def edited(view: Image.Image, number: int, crops: Crops, dice: random.Random) -> Image.Image:
    if dice.random() < crops.flip_chance:
        view = ImageOps.mirror(view)
    if dice.random() < crops.jitter_chance:
        light, hue = crops.jitter
        for enhancer, width in (
            (ImageEnhance.Brightness, light),
            (ImageEnhance.Contrast, light),
            (ImageEnhance.Color, light / 2),
        ):
            view = enhancer(view).enhance(dice.uniform(1 - width, 1 + width))
        h, s, v = view.convert("HSV").split()
        turn = round(dice.uniform(-hue, hue) * 255)
        view = Image.merge("HSV", (h.point(lambda a: (a + turn) % 256), s, v)).convert("RGB")
    if dice.random() < crops.grey_chance:
        view = view.convert("L").convert("RGB")
    if dice.random() < crops.blur_chances[min(number, 2)]:
        view = view.filter(ImageFilter.GaussianBlur(dice.uniform(0.1, 2.0)))
    return ImageOps.solarize(view, 128) if number == 1 and dice.random() < crops.solarise_chance else view


def items_of(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.suffix in {".jpg", ".jpeg", ".png", ".webp", ".JPEG"}
    )


if __name__ == "__main__":
    main()
