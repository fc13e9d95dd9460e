"""The test an export has to pass: whoever reads its files sees what the teacher saw while training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dinoscope.errors import WeightsRefused
from dinoscope.features import FloatArray, Pixels, normalise
from dinoscope.models.backbone import Backbone, ModelIdentity
from dinoscope.models.card import ModelCard
from dinoscope.models.config import Tensors
from dinoscope.models.loading import open_card
from dinoscope.models.owned import GRAPH_FILE, WEIGHTS_FILE
from dinoscope.models.preprocess import prepared
from dinoscope.models.torch_runtime import TorchNetwork
from dinoscope.models.vit import Vit
from dinoscope.models.vit_backbone import Inputs, Tables, VitBackbone
from dinoscope.models.weights import weights_digest
from dinoscope.pictures.decoding import decode
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import read_bytes
from dinoscope.sample import samples
from dinoscope.settings import Settings

AGREEMENT = 0.9999  # least cosine between two readers; fp32 arithmetic alone costs less than 1e-5
EVERY = 38  # of the sample pictures: seven of them, of several shapes
_AT_LEAST = 512  # pixels of the shorter side, as the index decodes

Seen = tuple[FloatArray, FloatArray]  # (n, E) descriptors, (m, D) patches of all pictures; unit vectors


def check_agreement(
    folder: Path, card: ModelCard, teacher: Vit, tensors: Tensors, settings: Settings
) -> None:
    """Compare the light runtime, torch and the ONNX file, each from what was written, with the teacher.

    Args:
        folder: of the model just written; ``card.source`` names the weights in it.
        teacher: in fp32 on the CPU.
        tensors: what was written, for the descriptor's projection.

    Raises:
        WeightsRefused: a descriptor's cosine, or the mean patch's, is below AGREEMENT.
    """
    pictures = _pictures(Limits.of(settings))
    digest = weights_digest(folder / WEIGHTS_FILE, settings)
    identity = ModelIdentity(card.name, digest, card.preprocess.name, "fp32")
    network = TorchNetwork(teacher, "cpu", "fp32")
    trained = VitBackbone(identity, card, Tables.of(tensors), network, batch=len(pictures))
    wanted = _seen(trained, pictures)
    for runtime in ("onnx", "torch"):
        read = open_card(card, settings.with_overrides(runtime=runtime, precision="fp32"))
        _require(f"the {runtime} runtime", _seen(read, pictures), wanted)
    _require(GRAPH_FILE, *_seen_by_file(folder / GRAPH_FILE, card, network, pictures[0]))


def _require(who: str, seen: Seen, wanted: Seen) -> None:
    descriptors, patches = ((here * there).sum(-1) for here, there in zip(seen, wanted, strict=True))
    agreement = min(descriptors.min(), patches.mean())
    if not agreement >= AGREEMENT:  # nan is refused too
        raise WeightsRefused(
            f"the model was not exported because {who} sees something else in it than the training did "
            f"(cosine {agreement:.5f}): the checkpoint is kept, please report this"
        )


def _seen(backbone: Backbone, pictures: Sequence[Pixels]) -> Seen:
    features = backbone.encode(pictures)
    patches = [each.patches.reshape(-1, each.patches.shape[-1]) for each in features]
    return np.stack([each.descriptor for each in features]), np.concatenate(patches)


def _seen_by_file(file: Path, card: ModelCard, network: TorchNetwork, pixels: Pixels) -> tuple[Seen, Seen]:
    """What the ONNX file sees in a square picture, and what the teacher does."""
    import onnxruntime as ort

    side = min(pixels.shape[:2])
    grid, patches = prepared(pixels[:side, :side], card.preprocess, card.config.patch)
    tiles = patches.reshape(grid.rows, grid.columns, 3, grid.patch, grid.patch)
    picture = tiles.transpose(2, 0, 3, 1, 4).reshape(1, 3, grid.resized.height, grid.resized.width)
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    cls, tokens = session.run(["cls", "patch_tokens"], {"pictures": picture})
    wanted = network.full(Inputs((grid.rows, grid.columns), patches[None], {}))
    return (normalise(cls), normalise(tokens[0])), (normalise(wanted.cls), normalise(wanted.patch_tokens[0]))


def _pictures(limits: Limits) -> list[Pixels]:
    chosen = [sample.path for sample in samples()[::EVERY]]
    return [
        decode(read_bytes(path, limits), limits, where=path.name, at_least=_AT_LEAST, trust="own").pixels
        for path in chosen
    ]
