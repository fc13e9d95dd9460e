"""What ``scale.py`` measured, as Markdown tables and as a plot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log10
from typing import Any

import numpy as np

Row = dict[str, Any]
Steps = dict[str, Row]  # of one size, by step
MB = 2**20
SIDE, LEFT, TOP, WIDE, HIGH = 300, 56, 34, 224, 150  # pixels of a panel and of the plot in it


def report(rows: Sequence[Row]) -> str:
    """Three tables a reader can put beside each other, and where the numbers are from."""
    parts = [_statistics(row) for row in rows if row["step"] == "statistics"]
    sizes = by_size(rows)
    for heads, cells in ((BUILD, _build), (SEARCH, _search), (CHANGE, _change)):
        lines = [f"| {size:,} | " + " | ".join(cells(steps)) + " |" for size, steps in sizes.items()]
        parts.append("\n".join([f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *lines]))
    machines = {f"{row['machine']}, {row['date'][:10]}" for row in rows if "machine" in row}
    loads = [row["load"] for row in rows if "load" in row]
    if loads:
        parts.append(f"{'; '.join(sorted(machines))}; load {min(loads):.1f} to {max(loads):.1f}")
    return "\n\n".join(parts)


def by_size(rows: Sequence[Row]) -> dict[int, Steps]:
    """Those of which a search was measured."""
    found: dict[int, Steps] = {}
    for row in rows:
        if row["step"] != "statistics":
            found.setdefault(row["size"], {})[row["step"]] = row
    return {size: found[size] for size in sorted(found) if "warm" in found[size]}


def _statistics(row: Row) -> str:
    heads = f"| {row['size']:,} descriptors of {row['dimension']} numbers | real | made |\n|---|---|---|\n"
    return heads + "\n".join(
        f"| {name} | {value:.3f} | {row['made'][name]:.3f} |" for name, value in row["real"].items()
    )


BUILD = (
    *("pictures", "commit CPU us a picture", "its peak MB", "train CPU s", "add CPU s", "their peak MB"),
    *("bytes a picture: rows", "vectors", "index", "all"),
)


def _build(steps: Steps) -> list[str]:
    fill, build, size = steps["fill"], steps["build"], steps["warm"]["size"]
    kinds = [build["disk"][kind] / size for kind in ("tables", "vectors", "engine")]
    return [
        f"{1e6 * fill['cpu_seconds'] / max(1, fill['added']):.0f}",
        f"{fill['peak_anonymous'] / MB:.0f}",
        f"{build['train']:.0f}",
        f"{build['add']:.0f}",
        f"{build['peak_anonymous'] / MB:.0f}",
        *(f"{kind:.0f}" for kind in kinds),
        f"{sum(kinds):.0f}",
    ]


SEARCH = (
    *("pictures", "engine", "recall@10", "p50 ms", "p95", "p99", "CPU p50", "CPU p95", "CPU p99"),
    *("two threads: p95", "searches/s", "anonymous MB", "mapped MB"),
    *("cold: open ms", "first search", "later p50", "p95", "p99"),
)


def _search(steps: Steps) -> list[str]:
    warm, one, two = steps["warm"], steps["warm"]["one"], steps["warm"]["two"]
    found = [
        warm["engine"],
        f"{warm['recall']:.3f}",
        *(f"{one[name]:.1f}" for name in ("p50", "p95", "p99", "cpu_p50", "cpu_p95", "cpu_p99")),
        f"{two['p95']:.1f}",
        f"{two['a_second']:.0f}",
        f"{warm['anonymous'] / MB:.0f}",
        f"{warm['mapped'] / MB:.0f}",
    ]
    if "cold" not in steps:
        return [*found, *["-"] * 5]
    opens, first, later = cold_of(steps)
    return [*found, *(f"{value:.0f}" for value in (opens, first, *np.percentile(later, (50, 95, 99))))]


def cold_of(steps: Steps) -> tuple[float, float, list[float]]:
    """ms: opening and the first search (medians), and all later searches."""
    cold = steps["cold"]
    turns = [[search[0] for search in searches] for searches in cold["searches"]]
    later = [one for turn in turns for one in turn[1:]]
    return 1000 * float(np.median(cold["open"])), float(np.median([turn[0] for turn in turns])), later


CHANGE = (
    *("pictures", "merging 13,000: CPU s", "peak MB", "adds/s", "removals/s"),
    *("search after each: CPU p50 ms", "CPU p95", "with 13,000 removed: CPU p95", "compact s", "peak MB"),
)


def _change(steps: Steps) -> list[str]:
    if "churn" not in steps:
        return ["-"] * (len(CHANGE) - 1)
    merge, churn = steps["merge"], steps["churn"]
    return [
        f"{merge['cpu_seconds']:.1f}",
        f"{merge['peak_anonymous'] / MB:.0f}",
        f"{churn['adds_a_second']:,.0f}",
        f"{churn['removals_a_second']:,.0f}",
        f"{churn['searches']['cpu_p50']:.1f}",
        f"{churn['searches']['cpu_p95']:.1f}",
        f"{churn['with_dead']['cpu_p95']:.1f}",
        f"{churn['compact']:.0f}",
        f"{churn['peak_anonymous'] / MB:.0f}",
    ]


PANELS: tuple[tuple[str, Callable[[Steps], float]], ...] = (
    ("build, CPU s", lambda steps: steps["build"]["train"] + steps["build"]["add"]),
    ("warm search p95, CPU ms", lambda steps: float(steps["warm"]["one"]["cpu_p95"])),
    ("cold search p95, ms", lambda steps: float(np.percentile(cold_of(steps)[2], 95))),
    ("anonymous memory, searching, MB", lambda steps: steps["warm"]["anonymous"] / MB),
    ("anonymous memory, building, MB", lambda steps: steps["build"]["peak_anonymous"] / MB),
    ("bytes a picture on disk", lambda steps: sum(steps["build"]["disk"].values()) / steps["warm"]["size"]),
)


def plot(rows: Sequence[Row]) -> str:
    """An SVG of what grows with the number of pictures, both axes logarithmic."""
    sizes = {size: steps for size, steps in by_size(rows).items() if "cold" in steps}
    panels = []
    for number, (title, value) in enumerate(PANELS):
        points = [(size, max(value(steps), 0.1)) for size, steps in sizes.items()]
        x, y = number % 3 * SIDE, number // 3 * 230
        panels.append(f'<g transform="translate({x} {y})">{_panel(title, points)}</g>')
    style = "text{font:12px sans-serif;fill:#777}.t{font-weight:bold}path{fill:none;stroke:#3d7bd9}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {3 * SIDE} 460">'
    return f"{head}<style>{style} line{{stroke:#9994}}circle{{fill:#3d7bd9}}</style>{''.join(panels)}</svg>\n"


def _panel(title: str, points: Sequence[tuple[int, float]]) -> str:
    if not points:
        return ""
    low, high = _decades([value for _, value in points])
    first, last = _decades([float(size) for size, _ in points])

    def at(size: float, value: float) -> tuple[float, float]:
        across, up = (log10(size) - first) / (last - first), (log10(value) - low) / (high - low)
        return LEFT + WIDE * across, TOP + HIGH * (1 - up)

    parts = [f'<text class="t" x="{LEFT}" y="20">{title}</text>']
    for power in range(low, high + 1):
        x, y = at(10**first, 10**power)
        parts.append(f'<line x1="{x:.0f}" x2="{x + WIDE:.0f}" y1="{y:.0f}" y2="{y:.0f}"/>')
        parts.append(f'<text x="{x - 6:.0f}" y="{y + 4:.0f}" text-anchor="end">{_short(10**power)}</text>')
    for power in range(first, last + 1):
        x, y = at(10**power, 10**low)
        parts.append(f'<text x="{x:.0f}" y="{y + 18:.0f}" text-anchor="middle">{_short(10**power)}</text>')
    places = [at(size, value) for size, value in points]
    parts.append('<path d="M' + "L".join(f"{x:.1f} {y:.1f}" for x, y in places) + '"/>')
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places]
    return "".join(parts)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = int(np.floor(log10(min(values)))), int(np.ceil(log10(max(values))))
    return low, max(high, low + 1)


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
