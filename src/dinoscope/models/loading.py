"""From a model's name to a Backbone: card, weights, precision, runtime."""

from __future__ import annotations

from dinoscope.models.backbone import Backbone, ModelIdentity
from dinoscope.models.card import ModelCard
from dinoscope.models.cards import card_of
from dinoscope.models.config import Tensors
from dinoscope.models.devices import checked_device
from dinoscope.models.request import Request
from dinoscope.models.runtimes import resolved_precision, runtime_named
from dinoscope.models.weights import fetch, weights_digest
from dinoscope.settings import Settings


def load_backbone(settings: Settings, model: str | None = None) -> Backbone:
    """The model of the settings, or the one named, ready to encode.

    Takes 0.1-0.3 s for the starter once its graph is cached in ``settings.cache / "graphs"``.

    Args:
        model: a ModelCard's name or a path to weights; None takes ``settings.model``.

    Raises:
        NoSuchModel, WeightsUnavailable, WeightsRefused: from the card and the weights.
        MissingExtra: the runtime, or the hub, is not installed.
        BadRequest: a runtime, precision or device that does not exist, or not here.
    """
    return open_card(card_of(model or settings.model, settings.models), settings)


def open_card(card: ModelCard, settings: Settings) -> Backbone:
    """The model of a card, ready to encode; ``settings`` choose runtime, precision, device and threads.

    Raises:
        WeightsUnavailable, WeightsRefused, MissingExtra, BadRequest: as ``load_backbone``.
    """
    runtime = runtime_named(settings.runtime)
    precision = resolved_precision(settings.precision, card.precision, settings.runtime)
    device = checked_device(settings.device)
    path = fetch(card, settings)

    def tensors() -> Tensors:
        from dinoscope.models.names import canonical
        from dinoscope.models.tensors import read_tensors

        return canonical(read_tensors(path), card.config)

    identity = ModelIdentity(card.name, weights_digest(path, settings), card.preprocess.name, precision)
    graphs = settings.cache / "graphs"
    return runtime.open(Request(card, identity, tensors, graphs, settings.threads, device))
