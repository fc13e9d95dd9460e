"""Fuzz the picture door: mutants of every kind of picture, until the time is over or one leaks.

    python scripts/fuzz_door.py --seconds 60 [--seed 1] [--keep .fuzz]

With ``atheris`` (extra ``fuzz``) libFuzzer steers the mutants to code of Pillow not yet reached; else they
are drawn from a seed. A picture must be decoded, or refused in one sentence: what is neither, or takes too
long or too much memory, is written to ``--keep`` and ends the run with 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

STEERED = importlib.util.find_spec("atheris") is not None and "--drawn" not in sys.argv
atheris: Any = importlib.import_module("atheris") if STEERED else None
PLUGINS = ("Avif", "Bmp", "Gif", "Jpeg", "Mpo", "Png", "Tiff", "WebP")

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
with atheris.instrument_imports(include=["PIL", "dinoscope.pictures"]) if STEERED else nullcontext():
    for plugin in PLUGINS:
        importlib.import_module(f"PIL.{plugin}ImagePlugin")
    from tests.hostile.corpus import hand_made, mutant
    from tests.hostile.whole import whole_pictures

    from dinoscope.errors import DinoscopeError
    from dinoscope.pictures.decoding import decode
    from dinoscope.pictures.limits import Limits

LIMITS = Limits(max_bytes=2**23, max_pixels=1_000_000, max_seconds=20)
SLOWEST = 10.0  # CPU-seconds of one file within these limits; DecodeWorkers end it at max_seconds


class Leak(Exception):
    """Something came out of the door that must not."""


def tried(data: bytes) -> bool:
    """Was it decoded? Raises: Leak."""
    started = time.process_time()
    try:
        decoded = decode(data, LIMITS, where="the file", at_least=64)
    except DinoscopeError as refused:
        sentence = str(refused)
        if not sentence.startswith("the file ") or "\n" in sentence or len(sentence) > 400:
            raise Leak(f"no sentence: {sentence!r}") from refused
        seen = False
    except Exception as error:
        raise Leak(f"{type(error).__name__}: {error}") from error
    else:
        if decoded.pixels.dtype != np.uint8 or decoded.pixels.ndim != 3:
            raise Leak(f"pixels of {decoded.pixels.dtype} {decoded.pixels.shape}")
        seen = True
    if time.process_time() - started > SLOWEST:
        raise Leak(f"{time.process_time() - started:.1f} s of CPU")
    return seen


def drawn(seconds: float, seed: int, keep: Path) -> int:
    """Hand-made files, then mutants of whole pictures and of mutants that still could be decoded."""
    until, rng = time.monotonic() + seconds, np.random.default_rng(seed)
    pool = list(whole_pictures().items())
    count = decoded = 0
    for one in hand_made(LIMITS.max_pixels):
        if time.monotonic() >= until:
            break
        count, decoded = count + 1, decoded + kept(one.data, keep)
    while time.monotonic() < until:
        name, data = pool[rng.integers(len(pool))]
        changed = mutant(data, pool, rng)
        if kept(changed, keep):
            decoded += 1
            if len(pool) < 2000 and len(changed) < 20_000:
                pool.append((name, changed))
        count += 1
    print(f"{count:,} files, {decoded:,} decoded, {count - decoded:,} refused in a sentence, none leaked")
    return 0


def kept(data: bytes, keep: Path) -> bool:
    """As ``tried``; what leaks is written down first."""
    try:
        return tried(data)
    except Leak:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"leak-{abs(hash(data)):016x}").write_bytes(data)
        raise


def steered(seconds: float, seed: int, keep: Path) -> int:
    """libFuzzer's loop, from whole pictures; it ends the process itself."""
    corpus = keep / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for name, data in whole_pictures().items():
        (corpus / name.replace(" ", "-")).write_bytes(data)
    arguments = [sys.argv[0], str(corpus), f"-max_total_time={seconds:.0f}", f"-seed={seed or 1}"]
    arguments += ["-max_len=65536", "-rss_limit_mb=4096", "-timeout=60", f"-artifact_prefix={keep}/"]
    atheris.Setup(arguments, lambda data: None if tried(data) else -1)
    atheris.Fuzz()
    return 0


def main() -> int:
    options = argparse.ArgumentParser(description="Fuzz the picture door.")
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--keep", type=Path, default=Path(".fuzz"))
    options.add_argument("--drawn", action="store_true", help="without atheris, from the seed")
    asked = options.parse_args()
    run = steered if STEERED else drawn
    return run(asked.seconds, asked.seed, asked.keep)


if __name__ == "__main__":
    sys.exit(main())
