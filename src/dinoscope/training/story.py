"""CARD.md: where a model trained here came from, for the people it is given to."""

from __future__ import annotations

import json
from collections.abc import Iterator

from dinoscope.models.card import ModelCard
from dinoscope.models.owned import GRAPH_FILE, WEIGHTS_FILE, Provenance


def story(card: ModelCard, provenance: Provenance, side: int) -> str:
    """The text of CARD.md. ``side``: of the pictures model.onnx takes, pixels."""
    return "\n".join(_lines(card, provenance, side)) + "\n"


def _lines(card: ModelCard, provenance: Provenance, side: int) -> Iterator[str]:
    yield from (f"# {card.name}", "", f"{card.title}. {card.notes}", "", "## How it was made", "")
    yield from _making(card, provenance)
    yield from ("", "## Scores", "")
    if provenance.scores:
        yield from ("| score | value |", "|---|---|")
        yield from (f"| {name} | {value:.4g} |" for name, value in provenance.scores.items())
    else:
        yield "None was measured. `dinoscope compare` measures some on your own library."
    see = card.preprocess
    yield from ("", "## Use", "")
    yield f"- `dinoscope index --model {card.name}`, and every other command that takes `--model`."
    yield f"- `{WEIGHTS_FILE}`: float32 tensors, the configuration in the header."
    yield f"  SHA-256 `{card.sha256}`, {card.bytes:,} bytes."
    yield f"- `{GRAPH_FILE}`: input `pictures`, (batch, 3, {side}, {side}): red, green, blue in [0, 1] less"
    yield f"  {see.mean}, divided by {see.std}; outputs `cls`, `patch_tokens` and `attention`."
    yield from ("", "## Licence and limits", "")
    yield f"Licence: {card.licence}. The model knows what its training pictures show and may carry traces of"
    yield "them: give it away only if you would give those away. It was tested for no decision about people."
    yield from ("", "## Recipe", "", "```json", json.dumps(provenance.recipe, indent=1, default=str), "```")


def _making(card: ModelCard, provenance: Provenance) -> Iterator[str]:
    config = card.config
    yield f"- Data: {provenance.pictures:,} pictures, no label used."
    yield from (f"  - `{source}`" for source in provenance.sources)
    begin = f"the weights of `{provenance.start}`" if provenance.start else "random weights"
    hours = provenance.seconds / 3600
    yield f"- From {begin}, {provenance.steps:,} steps" + (f" in {hours:.1f} h." if hours else ".")
    yield f"- {config.dimension} dimensions, {config.blocks} blocks, {config.heads} heads,"
    yield f"  patches of {config.patch} pixels; sees pictures in at most {card.preprocess.budget} patches."
    yield f"- Made {provenance.made or 'at an unknown time'} with Dinoscope."
