"""Dinoscope: a private visual search engine that sees the way DINO sees.

>>> import dinoscope
>>> with dinoscope.open() as session:
...     answer = session.search("holiday.jpg", k=5)

``import dinoscope`` itself loads nothing; each name below is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dinoscope.cluster.opening import open as open
    from dinoscope.errors import DinoscopeError as DinoscopeError
    from dinoscope.features import Features as Features
    from dinoscope.geometry import Box as Box
    from dinoscope.geometry import Mask as Mask
    from dinoscope.geometry import PatchGrid as PatchGrid
    from dinoscope.geometry import Size as Size
    from dinoscope.library.records import Picture as Picture
    from dinoscope.operations.answers import Answer as Answer
    from dinoscope.operations.answers import Hit as Hit
    from dinoscope.operations.answers import Verdict as Verdict
    from dinoscope.operations.links import MatchLink as MatchLink
    from dinoscope.operations.matching import Matches as Matches
    from dinoscope.operations.opening import encode as encode
    from dinoscope.operations.opening import match as match
    from dinoscope.operations.progress import Progress as Progress
    from dinoscope.operations.region_answers import Place as Place
    from dinoscope.operations.region_answers import RegionAnswer as RegionAnswer
    from dinoscope.operations.region_answers import RegionHit as RegionHit
    from dinoscope.operations.regions import Example as Example
    from dinoscope.operations.selection import Selection as Selection
    from dinoscope.operations.session import Session as Session
    from dinoscope.operations.transferring import Transfer as Transfer
    from dinoscope.operations.transferring import transfer as transfer
    from dinoscope.settings import Settings as Settings

__version__ = "0.1.0"

_HOMES = {
    "Answer": "dinoscope.operations.answers",
    "Box": "dinoscope.geometry",
    "DinoscopeError": "dinoscope.errors",
    "Example": "dinoscope.operations.regions",
    "Features": "dinoscope.features",
    "Hit": "dinoscope.operations.answers",
    "Mask": "dinoscope.geometry",
    "MatchLink": "dinoscope.operations.links",
    "Matches": "dinoscope.operations.matching",
    "PatchGrid": "dinoscope.geometry",
    "Picture": "dinoscope.library.records",
    "Place": "dinoscope.operations.region_answers",
    "Progress": "dinoscope.operations.progress",
    "RegionAnswer": "dinoscope.operations.region_answers",
    "RegionHit": "dinoscope.operations.region_answers",
    "Selection": "dinoscope.operations.selection",
    "Session": "dinoscope.operations.session",
    "Settings": "dinoscope.settings",
    "Size": "dinoscope.geometry",
    "Transfer": "dinoscope.operations.transferring",
    "Verdict": "dinoscope.operations.answers",
    "encode": "dinoscope.operations.opening",
    "match": "dinoscope.operations.opening",
    "open": "dinoscope.cluster.opening",
    "transfer": "dinoscope.operations.transferring",
}

__all__ = [
    "Answer",
    "Box",
    "DinoscopeError",
    "Example",
    "Features",
    "Hit",
    "Mask",
    "MatchLink",
    "Matches",
    "PatchGrid",
    "Picture",
    "Place",
    "Progress",
    "RegionAnswer",
    "RegionHit",
    "Selection",
    "Session",
    "Settings",
    "Size",
    "Transfer",
    "Verdict",
    "__version__",
    "encode",
    "match",
    "open",
    "transfer",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dinoscope' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
