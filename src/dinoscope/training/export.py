"""From a trained teacher to a model every command can use, once all runtimes agree on what it sees."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from dinoscope.errors import WeightsRefused
from dinoscope.features import FloatArray, Pixels
from dinoscope.models.card import LOCAL, ModelCard, Source
from dinoscope.models.config import Tensors, VitConfig
from dinoscope.models.graph import whole_graph
from dinoscope.models.owned import (
    GRAPH_FILE,
    STORY_FILE,
    WEIGHTS_FILE,
    Provenance,
    check_name,
    drafted,
    find_owned,
    write_card,
)
from dinoscope.models.preprocess import Preprocess, prepared
from dinoscope.models.torch_runtime import TorchNetwork
from dinoscope.models.vit import Vit
from dinoscope.models.vit_backbone import Inputs
from dinoscope.settings import Settings
from dinoscope.training.agreement import check_agreement
from dinoscope.training.recipe import Recipe
from dinoscope.training.story import story
from dinoscope.training.whitening import whitening

WHITENED = 4096  # pictures at most: more change the axes by less than the noise of retrieval
_SIZES = {192: "ViT-T", 384: "ViT-S", 768: "ViT-B", 1024: "ViT-L"}


def export(
    vit: Vit,
    recipe: Recipe,
    name: str,
    settings: Settings,
    provenance: Provenance,
    *,
    whiten: Iterable[Pixels] = (),
) -> ModelCard:
    """Write the model into ``settings.models / name``, replacing one of that name at the last moment.

    Args:
        vit: the teacher's backbone, on any device; it stays as it is.
        whiten: training pictures to fit a whitening descriptor on; none leaves the CLS token alone.

    Raises:
        BadRequest: the name cannot be a model's.
        WeightsRefused: the weights are not finite, or a runtime sees something else in them.
        DiskFull, Unreadable: the folder cannot be written.
    """
    check_name(name)
    teacher = copy.deepcopy(vit).to("cpu", torch.float32).eval().requires_grad_(False)
    tensors = _tensors_of(teacher)
    card = _card(name, teacher.config, recipe, provenance)
    tokens = list(_cls_tokens(teacher, card, whiten))
    if tokens:
        tensors |= whitening(np.stack(tokens))
    provenance = replace(
        provenance,
        recipe=provenance.recipe or asdict(recipe),
        scores={key: value for key, value in provenance.scores.items() if math.isfinite(value)},
        made=provenance.made or datetime.now(UTC).isoformat(timespec="seconds"),
    )
    with drafted(settings.models, name) as folder:
        card = _written(folder, card, tensors, recipe, provenance)
        check_agreement(folder, card, teacher, tensors, settings)
    found = find_owned(settings.models, name)
    assert found, "it was just written"
    return found.card


def native_side(recipe: Recipe) -> int:
    """The side in pixels of the largest views the model learned from: the scale it knows best."""
    scale = recipe.finish_scale if recipe.finish_steps else 1.0
    return max(1, round(recipe.crops.global_size * scale / recipe.model.patch)) * recipe.model.patch


def _tensors_of(teacher: Vit) -> dict[str, FloatArray]:
    state = {name: tensor.numpy() for name, tensor in teacher.state_dict().items()}
    tensors = {name: np.ascontiguousarray(state[name]) for name in teacher.config.shapes()}
    broken = [name for name, tensor in tensors.items() if not np.isfinite(tensor).all()]
    if broken:
        raise WeightsRefused(
            f"the trained weights are not finite ({broken[0]}): resume from an earlier checkpoint "
            "with a lower rate"
        )
    return tensors


def _card(name: str, config: VitConfig, recipe: Recipe, provenance: Provenance) -> ModelCard:
    size = _SIZES.get(config.dimension, f"ViT of {config.dimension}")
    origin = f"continued from {provenance.start}" if provenance.start else "trained from scratch"
    return ModelCard(
        name=name,
        title=f"{size}/{config.patch}, {origin}",
        family="Dinoscope",
        licence=f"yours, within the licence of {provenance.start}" if provenance.start else "yours",
        source=Source(LOCAL, WEIGHTS_FILE),
        config=config,
        bytes=0,  # known once written
        preprocess=Preprocess(budget=(native_side(recipe) // config.patch) ** 2),
        notes=f"Trained here by DINO, {provenance.pictures:,} pictures, {provenance.steps:,} steps.",
    )


def _cls_tokens(teacher: Vit, card: ModelCard, pictures: Iterable[Pixels]) -> Iterator[FloatArray]:
    """(D,) CLS tokens, pictures seen as the model will see them."""
    network = TorchNetwork(teacher, "cpu", "fp32")
    for pixels in islice(pictures, WHITENED):
        grid, patches = prepared(pixels, card.preprocess, card.config.patch)
        yield network.cls(Inputs((grid.rows, grid.columns), patches[None], {}))[0]


def _written(
    folder: Path, card: ModelCard, tensors: Tensors, recipe: Recipe, provenance: Provenance
) -> ModelCard:
    """The four files; returns the card with what only the written weights tell."""
    weights, side = folder / WEIGHTS_FILE, native_side(recipe)
    header = {"config": json.dumps(asdict(card.config)), "licence": card.licence}
    save_file(dict(tensors), weights, metadata=header)
    digest = sha256(weights.read_bytes()).hexdigest()
    card = replace(
        card, bytes=weights.stat().st_size, sha256=digest, source=Source(LOCAL, str(weights.resolve()))
    )
    rows = side // card.config.patch
    (folder / GRAPH_FILE).write_bytes(whole_graph(card.config, tensors, (rows, rows)))
    (folder / STORY_FILE).write_text(story(card, provenance, side), "utf-8")
    write_card(folder, card, provenance)
    return card
