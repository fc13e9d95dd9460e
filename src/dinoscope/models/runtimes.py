"""The runtimes. Adding one is a file with ``open_backbone`` and a line in RUNTIMES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from dinoscope.errors import BadRequest, MissingExtra
from dinoscope.models.backbone import Backbone
from dinoscope.models.request import Request

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where a network runs. Its module is imported when a model is opened, not before."""

    module: str  # has open_backbone(Request) -> Backbone
    precisions: tuple[str, ...]  # the first is the best where the card's own is not among them
    needs: str  # the package it imports
    extra: str = ""  # the extra of Dinoscope that installs the package

    @property
    def installed(self) -> bool:
        return find_spec(self.needs) is not None

    def open(self, request: Request) -> Backbone:
        """Load the model.

        Raises:
            MissingExtra: the runtime's package is not installed.
            WeightsRefused: from ``request.tensors``.
        """
        if not self.installed:
            raise MissingExtra(
                f"{self.needs} is not installed: pip install 'dinoscope[{self.extra}]', or use runtime onnx"
            )
        open_backbone: Callable[[Request], Backbone] = import_module(self.module).open_backbone
        return open_backbone(request)


RUNTIMES: dict[str, Runtime] = {
    "onnx": Runtime("dinoscope.models.onnx_runtime", ("fp32", "int8"), "onnxruntime"),
    "openvino": Runtime("dinoscope.models.openvino_runtime", ("bf16", "fp32"), "openvino", "openvino"),
    "torch": Runtime("dinoscope.models.torch_runtime", ("fp32", "bf16"), "torch", "torch"),
}


def runtime_named(name: str) -> Runtime:
    """A runtime by its key.

    Raises:
        BadRequest: there is none.
    """
    if name not in RUNTIMES:
        raise BadRequest(f"there is no runtime {name!r}: use one of {', '.join(RUNTIMES)}")
    return RUNTIMES[name]


def resolved_precision(wanted: str, best: str, name: str) -> str:
    """The precision to run runtime ``name`` in; "auto" takes the card's ``best`` where it can.

    Raises:
        BadRequest: no such precision in that runtime.
    """
    precisions = runtime_named(name).precisions
    if wanted == AUTO:
        return best if best in precisions else precisions[0]
    if wanted in precisions:
        return wanted
    others = [other for other, runtime in RUNTIMES.items() if wanted in runtime.precisions]
    cure = f"set runtime to {' or '.join(others)}" if others else f"use {', '.join((AUTO, *precisions))}"
    raise BadRequest(f"the runtime {name} has no precision {wanted!r}: {cure}")
