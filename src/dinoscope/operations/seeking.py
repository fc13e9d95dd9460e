"""What is looked for in one picture after the other."""

from __future__ import annotations

from dataclasses import dataclass

from dinoscope.operations.recognising import Knower
from dinoscope.operations.whereabouts import Looker

AT_LEAST = 1280  # pixels of a picture's shorter side that is looked at: small things need them
PHOTOS = 5  # a thing is taught from at once


@dataclass(frozen=True, slots=True, eq=False)
class Sought:
    """A thing, and what else was taught."""

    looker: Looker
    knower: Knower
    rivals: tuple[Knower, ...]

    @property
    def name(self) -> str:
        return self.knower.thing.name
