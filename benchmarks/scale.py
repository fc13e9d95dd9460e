"""A library of up to five million whole pictures on one small machine, through the Python API.

    python benchmarks/scale.py                                           # 10,000 pictures
    python benchmarks/scale.py --sizes 10000,100000,1000000,5000000 --keep ~/scale --real ~/Pictures

One library grows through the sizes and is measured at each, every step in a process of its own; with
``--keep`` what was measured is kept, too, as lines of JSON, and nothing is done twice. At 5,000,000 it
takes 7 GB of disk and an hour of one core. The descriptors are synthetic with the statistics of real
ones (``_descriptors``), fitted on the pictures of ``--real`` or the sample's; files there are none.

fill: pictures committed, 20,000 at a time. build: an index of all, trained anew. merge: 13,000 more
pictures, committed and merged into it. churn: 20 commits of 100 more and 20 removals of 100, with a
search after each; then all that are more are removed. Searches are ``Session.answer`` with a fresh
descriptor and k = 10. Cold: the caches of all files are dropped, the library is opened, 20 searches.
Memory is anonymous (RssAnon: no page of a mapped file), all of the process's, imports included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

sys.path.append(str(Path(__file__).resolve().parent.parent))
from benchmarks._scale_peers import PEERS
from benchmarks._scale_report import plot, report
from benchmarks._scale_steps import COLD, STEPS, Row, forget, peer, prepare, watched

PATIENCE = 4 * 3600.0  # s


def main() -> None:
    """Measure what is missing, and print the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="10000", help="pictures, separated by commas, ascending")
    parser.add_argument("--keep", type=Path, help="folder for library and results; default: temporary")
    parser.add_argument("--real", type=Path, help="folder of pictures, or their descriptors (.npy)")
    parser.add_argument("--peers", default="", help="a regular expression of those to run, e.g. '.'")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        step, size = arguments.child
        with watched() as measured:
            if step in STEPS:
                measured.update(STEPS[step](arguments.keep, int(size)))
            else:
                measured.update(peer(arguments.keep, int(size), step.removeprefix("peer ")))
        print(json.dumps(measured))
        return
    with tempfile.TemporaryDirectory(prefix="dinoscope-bench-") as temporary:
        keep: Path = arguments.keep or Path(temporary)
        keep.mkdir(parents=True, exist_ok=True)
        prepare(keep, arguments.real)
        for size in map(int, arguments.sizes.split(",")):
            for step in STEPS:
                measure(keep, step, size)
            for name in (name for name in PEERS if re.search(arguments.peers, name) and arguments.peers):
                measure(keep, f"peer {name}", size)
        print(report(results(keep)))
        (keep / "growth.svg").write_text(plot(results(keep)))


def results(keep: Path) -> list[Row]:
    """All that was measured so far."""
    path = keep / "results.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def measure(keep: Path, step: str, size: int) -> None:
    """One step in a process of its own, unless that was done before."""
    if any(row["step"] == step and row["size"] == size for row in results(keep)):
        return
    times = COLD if step == "cold" else 1
    rows = []
    for _ in range(times):
        if step == "cold":
            forget(keep / "library")
        program = [sys.executable, __file__, "--keep", str(keep), "--child", step, str(size)]
        rows.append(child(program, step, size))
    row = rows[0] if times == 1 else {name: [one[name] for one in rows] for name in rows[0]}
    row = {"step": step, "size": size, "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M}", **row}
    row |= {"load": os.getloadavg()[0], "cores": sorted(os.sched_getaffinity(0)), "machine": machine()}
    with (keep / "results.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    print(json.dumps(row)[:400], file=sys.stderr, flush=True)


def child(program: Sequence[str], step: str, size: int) -> Row:
    """What it measured; of a peer that fails or takes too long, why."""
    try:
        done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        if not step.startswith("peer "):
            raise
        return {"failed": f"not built after {PATIENCE:.0f} s"}
    if not done.returncode:
        return cast(Row, json.loads(done.stdout.splitlines()[-1]))
    if not step.startswith("peer "):
        raise SystemExit(f"{step} at {size}: {done.stderr[-2000:]}")
    return {"failed": (done.stderr.strip().splitlines() or [f"ended by signal {-done.returncode}"])[-1][:200]}


def machine() -> str:
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
