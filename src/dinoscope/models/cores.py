"""How many threads an encoder takes."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path


def usable_threads(wanted: int) -> int:
    """``wanted``, or for 0 the cores this process may use where they are fewer than the machine's, else 0."""
    if wanted or not hasattr(os, "sched_getaffinity"):
        return wanted
    allowed = len(os.sched_getaffinity(0))
    return allowed if allowed < (os.cpu_count() or 1) else 0


@cache
def physical_cores() -> int:
    """What ONNX Runtime takes for 0 threads: two hyper-threads share one core's multipliers."""
    cores = Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology/thread_siblings_list")
    try:
        return len({core.read_text("utf-8") for core in cores}) or os.cpu_count() or 1
    except OSError:
        return os.cpu_count() or 1
