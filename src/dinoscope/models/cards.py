"""How a name or a path becomes a ModelCard."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dinoscope.errors import NoSuchModel, WeightsRefused
from dinoscope.models.card import LOCAL, PACKAGE, ModelCard, Source
from dinoscope.models.catalog import CARDS
from dinoscope.models.config import PositionRule, VitConfig, config_of
from dinoscope.models.names import renamed
from dinoscope.models.owned import WEIGHTS_ENDINGS, find_owned, list_owned
from dinoscope.models.tensors import read_metadata, read_tensors, weights_file

__all__ = ["CARDS", "LOCAL", "PACKAGE", "ModelCard", "Source", "card_of"]

Array = NDArray[Any]
_Number = TypeVar("_Number", int, float)

_HEAD = 64  # every official DINO, DINOv2 and DINOv3 has heads of 64 dimensions
_FAMILIES = {"plain": "DINO", "offset": "DINO", "antialias": "DINOv2", "rope": "DINOv3"}


def card_of(name_or_path: str, models: Path | None = None) -> ModelCard:
    """The card of a model in the catalog, of one trained here, or one made for the user's weights file.

    A path must look like one (a separator or a known ending) or exist, so that a typing error in a name
    is answered with the names meant.

    Args:
        models: the folder of the models trained here, ``settings.models``; None looks for none.

    Raises:
        NoSuchModel: neither a card nor a file.
        WeightsRefused: the file holds no model we can read.
    """
    if name_or_path in CARDS:
        return CARDS[name_or_path]
    owned = find_owned(models, name_or_path) if models else None
    if owned:
        return owned.card
    path = Path(name_or_path).expanduser()
    if path.exists():
        return _card_of_file(path.resolve())
    known = [*CARDS, *(one.card.name for one in list_owned(models))] if models else list(CARDS)
    if path.suffix in WEIGHTS_ENDINGS or path.name != name_or_path:
        raise NoSuchModel(f"{name_or_path} does not exist: give a weights file or one of {', '.join(known)}")
    near = difflib.get_close_matches(name_or_path.lower().replace("_", "-"), known, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(known)}"
    raise NoSuchModel(f"there is no model {name_or_path!r}: {meant}")


def _card_of_file(path: Path) -> ModelCard:
    file = weights_file(path)
    tensors = read_tensors(file)
    written = _config_in(file)
    config = written or _inferred(tensors, _transformers_config(file.parent))
    family = "DINOv2" if config.layer_scale and not config.rope else _FAMILIES[config.positions]
    name = re.sub(r"[^a-z0-9.]+", "-", (path.stem if path.is_file() else path.name).lower()).strip("-")
    return ModelCard(
        name=name or "local",
        title=f"{path.name} ({family} shape)",
        family=family,
        licence="that of the file",
        source=Source(LOCAL, str(file)),
        config=config,
        bytes=file.stat().st_size,
    )


def _config_in(file: Path) -> VitConfig | None:
    """The configuration a file of ours carries in its header."""
    text = read_metadata(file).get("config")
    if text is None:
        return None
    try:
        return config_of(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise WeightsRefused(f"{file} describes its model in a way we cannot read: export it again") from None


def _transformers_config(folder: Path) -> Mapping[str, Any]:
    """config.json beside the weights, or nothing."""
    try:
        values = json.loads((folder / "config.json").read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise WeightsRefused(f"{folder / 'config.json'} cannot be read: fetch the folder again") from None
    return values if isinstance(values, dict) else {}


def _inferred(tensors: Mapping[str, Array], hints: Mapping[str, Any]) -> VitConfig:
    """The shape of a model from its tensors; ``hints`` gives what tensors cannot tell (heads, epsilon)."""
    named = renamed(tensors)
    patch = _shape(named, "patch.weight", 4)
    dimension, side = patch[0], patch[2]
    blocks = {int(name.split(".")[1]) for name in named if name.startswith("blocks.")}
    positions = _position_rule(tensors, named)
    heads = _hint(hints, "num_attention_heads", int, dimension // _HEAD)
    if (
        patch[1] != 3
        or side != patch[3]
        or blocks != set(range(len(blocks)))
        or heads < 1
        or dimension % heads
    ):
        raise WeightsRefused(
            f"the weights are of no ViT we know (patches {patch}, blocks {sorted(blocks)[-1:]}): use a DINO"
        )
    cells = 0 if positions == "rope" else _shape(named, "positions", 2)[0] - 1
    grid = math.isqrt(max(cells, 0))
    if grid**2 != cells:
        raise WeightsRefused(
            f"'positions' has {cells} cells, which make no square grid: use a DINO checkpoint"
        )
    return VitConfig(
        dimension=dimension,
        depth=len(blocks),
        heads=heads,
        patch=side,
        positions=positions,
        position_grid=(grid, grid),
        registers=len(named["registers"]) if "registers" in named else 0,
        layer_scale="blocks.0.scale1" in named,
        swiglu="blocks.0.gate.weight" in named,
        mlp_ratio=_shape(named, "blocks.0.fc1.weight", 2)[0] / dimension,
        norm_eps=_hint(hints, "layer_norm_eps", float, 1e-5 if positions == "rope" else 1e-6),
        rope_theta=_hint(hints, "rope_theta", float, 100.0),
    )


def _position_rule(tensors: Mapping[str, Array], named: Mapping[str, Array]) -> PositionRule:
    """How the code that belongs to these names stretches positions to another grid."""
    if "positions" not in named:
        return "rope"
    if "registers" in named:
        return "antialias"
    by_transformers = any("embeddings.position_embeddings" in name for name in tensors)
    return "plain" if by_transformers else "offset"


def _shape(named: Mapping[str, Array], name: str, dimensions: int) -> tuple[int, ...]:
    if name not in named or named[name].ndim != dimensions:
        raise WeightsRefused(f"the weights lack {name!r}, so they are of no ViT: use a DINO checkpoint")
    return named[name].shape


def _hint(hints: Mapping[str, Any], key: str, kind: type[_Number], otherwise: float) -> _Number:
    """A positive number of config.json."""
    value = hints.get(key, otherwise)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value) or value <= 0:
        raise WeightsRefused(f"config.json says {key} is {value!r}: fetch the folder again")
    return kind(value)
