"""A training's folder as one leaves it behind, without the training: curves and pictures that look real."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from dinoscope.models.config import VitConfig
from dinoscope.settings import Settings
from dinoscope.training.journal import Journal, Measure
from dinoscope.training.recipe import Recipe
from dinoscope.training.runs import Run, State, open_run

MODEL = VitConfig(192, 6, 3, 8, "plain", position_grid=(12, 12))
EVERY = 10  # steps between two rows
STARTED = 1_790_000_000.0  # Unix time


def record(
    settings: Settings,
    name: str = "mine",
    *,
    steps: int = 3000,
    done: int = 3000,
    state: State = "finished",
    pictures: int = 8,
    shots: int = 5,
    alarm: str | None = None,
) -> Run:
    """Write a run that has done ``done`` of ``steps`` steps and shown its pictures ``shots`` times.

    Args:
        pictures: fixed samples, each with an attention and a PCA map.
        alarm: the sentence of every row of the last fifth.
    """
    run = open_run(name, settings)
    run.update(
        state=state,
        step=done,
        started=STARTED,
        recipe=asdict(Recipe("laptop", MODEL, steps, 64)),
        overrides={"steps": str(steps), "teacher.momentum": "0.996,1"},
        sources=["/home/you/Pictures", "/home/you/Films"],
        pictures=4213,
        model=name if state == "finished" else "",
        reason="the loss was not finite three times in a row: lower the rate" if state == "failed" else "",
    )
    journal = Journal(run.metrics)
    rng = np.random.default_rng(7)
    for step in range(EVERY, done + 1, EVERY):
        journal.append(measure(step, steps, rng, alarm if step > 0.8 * done else None))
    run.samples.mkdir(exist_ok=True)
    for shot in range(shots):
        for one in range(pictures):
            draw(run.samples, round(done * shot / max(1, shots - 1)), one, shot / max(1, shots - 1))
    return run


def measure(step: int, steps: int, rng: np.random.Generator, alarm: str | None = None) -> Measure:
    """A row of a training that goes well."""
    part = step / steps
    warm = min(1.0, part / 0.1)
    dino = 4.1 + 2.8 * math.exp(-part * 4) + 0.4 * math.exp(-(((part - 0.12) / 0.06) ** 2))
    noise = float(rng.normal())
    probed = step % 250 == 0
    return Measure(
        step=step,
        seconds=step * 1.31,
        loss=dino + 0.05 * noise + 0.02,
        dino=dino + 0.05 * noise,
        keep=0.04 * math.exp(-part * 3) + 0.01,
        entropy=0.62 - 0.25 * part + 0.012 * float(rng.normal()),
        kl=1.4 + 1.2 * math.exp(-part * 5) + 0.04 * float(rng.normal()),
        gradient=1.2 + 1.5 * math.exp(-part * 6) + 0.25 * abs(float(rng.normal())),
        rate=5e-4 * warm * 0.5 * (1 + math.cos(math.pi * max(0.0, part - 0.1) / 0.9)),
        weight_decay=0.04 + 0.36 * part,
        momentum=0.996 + 0.004 * part,
        temperature=0.02 + 0.02 * min(1.0, part / 0.3),
        pictures_per_second=48.0 + 1.5 * float(rng.normal()),
        waited=max(0.0, 0.03 + 0.01 * float(rng.normal())),
        probe=probe(part, rng) if probed else {},
        alarm=alarm,
    )


def probe(part: float, rng: np.random.Generator) -> dict[str, float]:
    grown = 1 - math.exp(-part * 3)
    return {
        "knn": 0.25 + 0.17 * grown + 0.004 * float(rng.normal()),
        "rank": 14 + 60 * grown,
        "std": 0.55 + 0.3 * grown,
    }


def draw(folder: Path, step: int, one: int, part: float) -> None:
    """A picture and what the model makes of it: noise at first, then the thing in it."""
    rng = np.random.default_rng(one)
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    centre, size = rng.uniform(-0.3, 0.3, 2), rng.uniform(0.3, 0.6)
    inside = 1 / (1 + np.exp((np.hypot(x - centre[0], y - centre[1]) - size) * 18))
    ground, thing = rng.uniform(60, 220, (2, 3))
    picture = ground + (thing - ground) * inside[..., None] + 18 * np.sin(9 * x + 5 * y)[..., None]
    save(picture, folder / f"{one}-picture.png")
    noise = np.random.default_rng(one + step).uniform(0, 1, (12, 12)).repeat(8, 0).repeat(8, 1)
    seen = (part * inside + (1 - part) * noise)[..., None]
    save(255 * seen * [1.0, 0.75, 0.35], folder / f"{step}-{one}-attention.png")
    hue = np.stack([seen[..., 0], 1 - seen[..., 0], 0.5 + 0.4 * part * x + 0.3 * (1 - part) * noise], -1)
    save(255 * hue, folder / f"{step}-{one}-pca.png")


def save(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
