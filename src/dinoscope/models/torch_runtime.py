"""torch (extra ``torch``): the runtime for a GPU, and the one that training shares."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch

from dinoscope.features import Facet, FloatArray
from dinoscope.models.cores import physical_cores
from dinoscope.models.devices import AUTO, gpu_of, no_gpu
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
        with torch.inference_mode(), self._exact():
            tokens, attention = self._model.with_attention(self._pictures(inputs))
        return Outputs(_numpy(tokens.cls), _numpy(tokens.patches), _numpy(attention))

    def cls(self, inputs: Inputs) -> FloatArray:
        """The descriptor alone."""
        with torch.inference_mode(), self._exact():
            return _numpy(self._model(self._pictures(inputs)).cls)

    def inside(self, inputs: Inputs, layer: int, facet: Facet) -> tuple[FloatArray, FloatArray]:
        """A facet of the patches in a layer, and the attention of CLS; later blocks do not run."""
        with torch.inference_mode(), self._exact():
            shown, attention = self._model.inside(self._pictures(inputs), layer, facet)
        return _numpy(shown), _numpy(attention)

    def _exact(self) -> AbstractContextManager[None]:
        """fp32 that is fp32: cuDNN would round the patches' convolution to 10 bits of mantissa (TF32)."""
        if self._device == "cpu" or self._type != torch.float32:
            return nullcontext()
        flags: AbstractContextManager[None] = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        return flags

    def _pictures(self, inputs: Inputs) -> torch.Tensor:
        """(batch, 3, height, width): the patches put together again, on the device."""
        patch = self._model.config.patch
        rows, columns = inputs.grid
        tiles = torch.from_numpy(inputs.patches).to(self._device, self._type)
        tiles = tiles.reshape(len(tiles), rows, columns, 3, patch, patch)
        return tiles.permute(0, 3, 1, 4, 2, 5).reshape(len(tiles), 3, rows * patch, columns * patch)


def open_backbone(request: Request) -> VitBackbone:
    """The model in torch, on the GPU where there is one and nothing else is asked for.

    Raises:
        BadRequest: a GPU is asked for that is not here.
    """
    device = device_of(request.device)
    if request.threads:
        torch.set_num_threads(request.threads)  # torch knows no number of threads for one model
    tensors = request.tensors()
    model = Vit(request.card.config)
    model.load_tensors(tensors)
    network = TorchNetwork(model, device, request.identity.precision)
    batch = BATCH_CPU if device == "cpu" else BATCH_GPU
    hands = request.threads or physical_cores()
    return VitBackbone(request.identity, request.card, Tables.of(tensors), network, batch, hands=hands)


def device_of(wanted: str) -> str:
    """What torch calls the device that is asked for.

    Raises:
        BadRequest: there is no such GPU.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    gpu = 0 if wanted == AUTO and gpus else gpu_of(wanted)
    if gpu is None:
        return "cpu"
    if gpu >= gpus:
        raise no_gpu("torch", "install torch for CUDA, and the driver")
    return f"cuda:{gpu}"


def _numpy(tensor: torch.Tensor) -> FloatArray:
    return np.asarray(tensor.float().cpu().numpy(), np.float32)
