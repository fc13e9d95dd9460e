"""Draws a training run's curves as an SVG, from its metrics.jsonl.

python scripts/draw_run.py ~/.local/share/dinoscope/runs/scenes/metrics.jsonl docs/images/training-curves.svg
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Curve = Sequence[tuple[float, float]]  # (step, value)
WIDTH, HEIGHT, LEFT, TOP, GAP = 250, 150, 44, 30, 34  # of a panel, pixels
COLOURS = ("#2563eb", "#d97706")


@dataclass(frozen=True, slots=True)
class Panel:
    """One or two quantities over the steps, on an axis that begins at 0."""

    title: str
    curves: tuple[tuple[str, Curve], ...]
    shown: Callable[[float], str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("metrics", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.metrics.read_text("utf-8").splitlines()]
    arguments.out.write_text(svg(panels_of(rows)), "utf-8")


def panels_of(rows: list[dict[str, Any]]) -> list[Panel]:
    def curve(name: str) -> Curve:
        return [(row["step"], row[name]) for row in rows if name in row]

    def probed(name: str) -> Curve:
        return [(row["step"], row["probe"][name]) for row in rows if name in row.get("probe", {})]

    knn, pixels = probed("knn"), probed("pixels")
    level = [(step, pixels[0][1]) for step, _ in knn] if pixels else []
    return [
        Panel("k-NN accuracy", (("model", knn), ("raw pixels", level)), lambda value: f"{value:.0%}"),
        Panel("teacher entropy, share of ln K", (("", curve("entropy")),), lambda value: f"{value:.1f}"),
        Panel("KL(teacher, student), nats", (("", curve("kl")),), lambda value: f"{value:.1f}"),
        Panel("effective rank of descriptors", (("", probed("rank")),), lambda value: f"{value:.0f}"),
    ]


def svg(panels: list[Panel]) -> str:
    """Two panels a row; readable on light and dark ground."""
    across, down = LEFT + WIDTH + GAP, TOP + HEIGHT + GAP
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * across} {-(-len(panels) // 2) * down}" '
        'font-family="system-ui, sans-serif" font-size="11" fill="#777">'
    ]
    for number, panel in enumerate(panels):
        x, y = number % 2 * across + LEFT, number // 2 * down + TOP
        lines += [f'<g transform="translate({x} {y})">', *drawn(panel), "</g>"]
    return "\n".join([*lines, "</svg>\n"])


def drawn(panel: Panel) -> Iterable[str]:
    points = [point for _, curve in panel.curves for point in curve]
    last, top = max(step for step, _ in points), max(value for _, value in points) * 1.05
    yield f'<text y="-10" font-weight="600">{panel.title}</text>'
    for share in (0.0, 0.5, 1.0):
        y = HEIGHT * (1 - share)
        yield f'<path d="M0 {y:.1f}H{WIDTH}" stroke="#8884"/>'
        yield f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{panel.shown(top * share)}</text>'
        x = WIDTH * share
        yield f'<text x="{x:.0f}" y="{HEIGHT + 16}" text-anchor="middle">{last * share:.0f}</text>'
    for (name, curve), colour in zip(panel.curves, COLOURS, strict=False):
        if not curve:
            continue
        ways = " ".join(
            f"{WIDTH * step / last:.1f},{HEIGHT * (1 - value / top):.1f}" for step, value in curve
        )
        yield f'<polyline points="{ways}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        if name:
            y = HEIGHT * (1 - curve[-1][1] / top)
            yield f'<text x="{WIDTH - 4}" y="{y - 5:.1f}" text-anchor="end" fill="{colour}">{name}</text>'


if __name__ == "__main__":
    main()
