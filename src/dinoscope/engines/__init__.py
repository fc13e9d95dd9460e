"""Engines answer "which vectors are nearest?". To add one: a file here and a line in ``ENGINES``."""

from __future__ import annotations

from dinoscope.engines.engine import Engine
from dinoscope.engines.exact import Exact
from dinoscope.engines.ivf_rabitq import IvfRabitq

ENGINES: dict[str, type[Engine]] = {"exact": Exact, "ivf_rabitq": IvfRabitq}
