"""torch (extra ``torch``): the runtime for a GPU, and the one that training shares."""

from __future__ import annotations

import numpy as np
import torch

from dinoscope.features import Facet, FloatArray
from dinoscope.models.request import Request
from dinoscope.models.vit import Vit
from dinoscope.models.vit_backbone import Inputs, Outputs, Tables, VitBackbone

BATCH_CPU, BATCH_GPU = 8, 64
_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class TorchNetwork:
    """A Vit on a device, for inference."""

    def __init__(self, model: Vit, device: str, precision: str) -> None:
        self._type = _TYPES[precision]
        self._device = device
        self._model = model.eval().to(device, self._type)

    def full(self, inputs: Inputs) -> Outputs:
        """Descriptor, patches and attention."""
        with torch.inference_mode():
            tokens, attention = self._model.with_attention(self._pictures(inputs))
        return Outputs(_numpy(tokens.cls), _numpy(tokens.patches), _numpy(attention))

    def cls(self, inputs: Inputs) -> FloatArray:
        """The descriptor alone."""
        with torch.inference_mode():
            return _numpy(self._model(self._pictures(inputs)).cls)

    def inside(self, inputs: Inputs, layer: int, facet: Facet) -> tuple[FloatArray, FloatArray]:
        """A facet of the patches in a layer, and the attention of CLS; later blocks do not run."""
        with torch.inference_mode():
            shown, attention = self._model.inside(self._pictures(inputs), layer, facet)
        return _numpy(shown), _numpy(attention)

    def _pictures(self, inputs: Inputs) -> torch.Tensor:
        """(batch, 3, height, width): the patches put together again, on the device."""
        patch = self._model.config.patch
        rows, columns = inputs.grid
        tiles = torch.from_numpy(inputs.patches).to(self._device, self._type)
        tiles = tiles.reshape(len(tiles), rows, columns, 3, patch, patch)
        return tiles.permute(0, 3, 1, 4, 2, 5).reshape(len(tiles), 3, rows * patch, columns * patch)


def open_backbone(request: Request) -> VitBackbone:
    """The model in torch, on the GPU where there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if request.threads:
        torch.set_num_threads(request.threads)  # torch knows no number of threads for one model
    tensors = request.tensors()
    model = Vit(request.card.config)
    model.load_tensors(tensors)
    network = TorchNetwork(model, device, request.identity.precision)
    batch = BATCH_GPU if device == "cuda" else BATCH_CPU
    return VitBackbone(request.identity, request.card, Tables.of(tensors), network, batch)


def _numpy(tensor: torch.Tensor) -> FloatArray:
    return np.asarray(tensor.float().cpu().numpy(), np.float32)
