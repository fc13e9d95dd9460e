"""A GPU is taken where there is one, and where there is none but one is asked for, a sentence says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dinoscope.errors import BadRequest
from dinoscope.features import Pixels
from dinoscope.models import onnx_runtime, openvino_runtime
from dinoscope.models.config import VitConfig
from dinoscope.models.devices import checked_device, gpu_of
from dinoscope.models.loading import load_backbone
from dinoscope.models.onnx_runtime import BATCH_GPU, CUDA, open_backbone
from dinoscope.models.request import Request
from dinoscope.settings import Settings

CONFIG = VitConfig(32, 2, 2, 8, position_grid=(4, 4))
Asking = Callable[..., Request]


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cpu:1", "", "CUDA", "cuda:-1"])
def test_an_unknown_device_is_refused_before_anything_is_loaded(settings: Settings, name: str) -> None:
    with pytest.raises(BadRequest, match="use auto, cpu, cuda or"):
        load_backbone(settings.with_overrides(device=name))


@pytest.mark.parametrize(("name", "gpu"), [("auto", None), ("cpu", None), ("cuda", 0), ("cuda:3", 3)])
def test_a_device_is_a_number_of_a_gpu(name: str, gpu: int | None) -> None:
    assert gpu_of(checked_device(name)) == gpu


@pytest.fixture
def cuda_build(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """An ONNX Runtime built for CUDA, on a machine without a GPU; the providers each session asked for."""
    import onnxruntime as ort

    asked: list[Any] = []
    session = ort.InferenceSession

    def opened(*arguments: Any, providers: list[Any]) -> Any:
        asked.append(providers)
        return session(*arguments, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(ort, "get_available_providers", lambda: [CUDA, "CPUExecutionProvider"])
    monkeypatch.setattr(ort, "InferenceSession", opened)
    return asked


def test_onnx_without_cuda_says_how_to_get_it(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    request = asking(CONFIG, "fp32")
    with pytest.raises(BadRequest, match="pip install onnxruntime-gpu in place of onnxruntime"):
        open_backbone(replace(request, device="cuda"))
    open_backbone(replace(request, device="auto"))


def test_onnx_with_cuda_and_no_gpu_says_so_and_auto_takes_the_cpu(
    asking: Asking, cuda_build: list[Any], picture: Callable[..., Pixels]
) -> None:
    request = asking(CONFIG, "fp32")
    with pytest.raises(BadRequest, match=r"finds no such GPU here.*driver"):
        open_backbone(replace(request, device="cuda:1"))
    assert cuda_build[-1][0] == (CUDA, {"device_id": 1, "use_tf32": 0})
    backbone = open_backbone(replace(request, device="auto"))
    assert cuda_build[-1][0][0] == CUDA
    assert np.isfinite(backbone.describe([picture(40, 30)])).all()
    open_backbone(replace(request, device="cpu"))
    assert cuda_build[-1] == ["CPUExecutionProvider"]


def test_int8_stays_on_the_processor(asking: Asking, cuda_build: list[Any]) -> None:
    request = asking(CONFIG, "int8")
    open_backbone(replace(request, device="auto"))
    assert cuda_build == [["CPUExecutionProvider"]]
    with pytest.raises(BadRequest, match="set precision to fp32, or device to cpu"):
        open_backbone(replace(request, device="cuda"))


def test_a_gpu_is_given_whole_batches(
    asking: Asking, cuda_build: list[Any], monkeypatch: pytest.MonkeyPatch, picture: Callable[..., Pixels]
) -> None:
    """With a session that claims to be on one."""
    opened = onnx_runtime._opened
    runs: list[int] = []

    class Claims:
        def __init__(self, session: Any) -> None:
            self._session = session

        def get_providers(self) -> list[str]:
            return [CUDA, "CPUExecutionProvider"]

        def run(self, names: list[str], feed: dict[str, Any]) -> Any:
            runs.append(len(feed["patches"]))
            return self._session.run(names, feed)

    monkeypatch.setattr(onnx_runtime, "_opened", lambda *given: Claims(opened(*given)))
    backbone = open_backbone(replace(asking(CONFIG, "fp32"), device="cuda", threads=2))
    assert backbone.batch == BATCH_GPU
    backbone.describe([picture(40, 40, seed=seed) for seed in range(70)])
    assert runs == [64, 6]


def test_openvino_runs_on_processors_only(asking: Asking) -> None:
    with pytest.raises(BadRequest, match="set device to cpu, or runtime to torch"):
        openvino_runtime.open_backbone(replace(asking(CONFIG, "fp32"), device="cuda"))


@pytest.mark.torch
def test_torch_without_a_gpu_says_so(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from dinoscope.models.torch_runtime import device_of

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert [device_of(name) for name in ("auto", "cpu")] == ["cpu", "cpu"]
    with pytest.raises(BadRequest, match="torch finds no such GPU here: set device to cpu or auto"):
        device_of("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [device_of(name) for name in ("auto", "cpu", "cuda", "cuda:1")] == [
        "cuda:0",
        "cpu",
        "cuda:0",
        "cuda:1",
    ]
    with pytest.raises(BadRequest, match="no such GPU"):
        device_of("cuda:2")
