"""Two models that have both seen the library, side by side; nothing is encoded for an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from dinoscope.errors import NoSuchModel
from dinoscope.operations.comparison import Questions
from dinoscope.operations.neighbourhoods import compare_shelves, neighbours_of
from dinoscope.server.parts import Here
from dinoscope.server.resources.pictures import PictureId
from dinoscope.server.wire_compare import Comparison, Example

router = APIRouter(tags=["compare"])

Key = Annotated[str, Query(max_length=300, description="a shelf's key; empty: whichever there is")]


@dataclass(frozen=True, slots=True)
class Pair:
    """The models to compare."""

    first: str
    second: str


def _pair(here: Here, first: Key = "", second: Key = "") -> Pair:
    """Keys as given; left out, the first is this server's model, the second the one that was added last."""
    keys = here.session.library.models()
    if not first and second != here.session.backbone.identity.key:
        first = here.session.backbone.identity.key
    first = first or next((key for key in reversed(keys) if key != second), "")
    second = second or next((key for key in reversed(keys) if key != first), "")
    if not (first and second):
        raise NoSuchModel(
            "only one model has seen this library: dinoscope index --model NAME adds another to compare with"
        )
    return Pair(first, second)


Models = Annotated[Pair, Depends(_pair)]


@router.get("/compare")
def compare(
    here: Here,
    models: Models,
    queries: Annotated[int, Query(ge=2, le=2000, description="pictures whose neighbours are compared")] = 500,
    examples: Annotated[int, Query(ge=0, le=100, description="of these, returned with neighbours")] = 12,
    seed: Annotated[int, Query(ge=0, le=2**31, description="chooses the pictures")] = 0,
) -> Comparison:
    """How two models' neighbourhoods differ, and which has more of a folder together, with uncertainty."""
    questions = Questions(queries=queries, examples=examples, seed=seed)
    return Comparison.of(compare_shelves(here.session.library, models.first, models.second, questions))


@router.get("/compare/{id}")
def neighbours(id: PictureId, here: Here, models: Models) -> Example:
    """What either model finds near one picture."""
    library = here.session.library
    return Example.of(neighbours_of(library, library.picture(id), models.first, models.second))
