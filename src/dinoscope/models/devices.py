"""Which device a model is to run on, as the setting ``device`` says it."""

from __future__ import annotations

import re

from dinoscope.errors import BadRequest

AUTO = "auto"


def checked_device(name: str) -> str:
    """``auto`` (a GPU where the runtime finds one), ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        BadRequest: anything else.
    """
    if re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", name) is None:
        raise BadRequest(f"there is no device {name!r}: use auto, cpu, cuda or, for the second GPU, cuda:1")
    return name


def gpu_of(name: str) -> int | None:
    """The number of the GPU that is asked for, counted from 0; None: none is."""
    return int(name.partition(":")[2] or 0) if name.startswith("cuda") else None


def no_gpu(finder: str, cure: str) -> BadRequest:
    """What is said where a GPU is asked for and there is none."""
    return BadRequest(f"{finder} finds no such GPU here: set device to cpu or auto, or {cure}")
