"""Start-up: seconds from typing ``dinoscope search picture`` to the answer, and where they go.

    python benchmarks/startup.py --runs 15

A library of the sample pictures is indexed first, in a folder that is thrown away. Then each command
runs in a fresh process, in turn with the others; the table gives the median and the best of the wall
clock, and CPU seconds, which a busy machine distorts less. The limit for a search is 1.0 s.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from dinoscope.sample import PICTURES

LIMIT = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Run:
    """One process from start to end."""

    wall: float  # seconds
    cpu: float  # seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--pictures", type=Path, default=PICTURES)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"DINOSCOPE_LIBRARY": str(Path(home) / "library")}
        dinoscope = [sys.executable, "-m", "dinoscope"]
        subprocess.run([*dinoscope, "index", str(arguments.pictures)], env=environment, check=True)
        query = next(path for path in sorted(arguments.pictures.rglob("*")) if path.is_file())
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "dinoscope --version": [*dinoscope, "--version"],
            "search, by id": [*dinoscope, "search", "id:1"],
            "search, by picture": [*dinoscope, "search", str(query)],
            "search --json": [*dinoscope, "search", str(query), "--json"],
        }
        runs: dict[str, list[Run]] = {name: [] for name in commands}
        for _ in range(arguments.runs + 1):
            for name, command in commands.items():
                runs[name].append(once(command, environment))
    print(f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}, ", end="")
    print(f"load {os.getloadavg()[0]:.1f}, {datetime.now(UTC):%Y-%m-%d}, {arguments.runs} runs each")
    print(f"\n{'':22}{'median s':>9}{'best s':>9}{'CPU s':>9}{'of the limit':>14}")
    for name, all_runs in runs.items():
        warm = all_runs[1:]  # the first fills the disk cache
        wall = median(run.wall for run in warm)
        best = min(run.wall for run in warm)
        cpu = median(run.cpu for run in warm)
        print(f"{name:22}{wall:9.2f}{best:9.2f}{cpu:9.2f}{wall / LIMIT:14.2f}")


def once(command: list[str], environment: dict[str, str]) -> Run:
    """Run a command to its end."""
    before, started = os.times(), perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    wall, after = perf_counter() - started, os.times()
    return Run(
        wall, after.children_user + after.children_system - before.children_user - before.children_system
    )


if __name__ == "__main__":
    main()
