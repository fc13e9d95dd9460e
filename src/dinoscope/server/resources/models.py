"""The models Dinoscope knows, and which of them are at hand."""

from __future__ import annotations

from fastapi import APIRouter

from dinoscope.server import wire
from dinoscope.server.parts import Here

router = APIRouter(tags=["about"])


@router.get("/models")
def models(here: Here) -> wire.Models:
    """Every model card, with what is on this machine and what this server searches with."""
    from dinoscope.models.cards import CARDS
    from dinoscope.models.weights import is_here

    current = here.session.backbone.identity.name
    return wire.Models(
        models=[
            wire.Card(
                name=card.name,
                title=card.title,
                family=card.family,
                licence=card.licence,
                gated=card.gated,
                bytes=card.bytes,
                available=is_here(card, here.settings),
                current=card.name == current,
            )
            for card in CARDS.values()
        ]
    )
