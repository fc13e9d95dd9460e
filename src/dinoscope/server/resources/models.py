"""The models Dinoscope knows, and which of them are at hand."""

from __future__ import annotations

from fastapi import APIRouter

from dinoscope.server import wire
from dinoscope.server.parts import Here

router = APIRouter(tags=["about"])


@router.get("/models")
def models(here: Here) -> wire.Models:
    """Every model, those trained here last: which are on this machine, which this server searches with."""
    from dinoscope.models.cards import CARDS
    from dinoscope.models.owned import list_owned
    from dinoscope.models.weights import is_here

    own = [one.card for one in list_owned(here.settings.models)]
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
                own=card in own,
            )
            for card in [*CARDS.values(), *own]
        ]
    )
