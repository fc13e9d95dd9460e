"""Runtimes and precisions are chosen by name, and what is missing is said in one sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dinoscope.errors import BadRequest, MissingExtra
from dinoscope.models.config import VitConfig
from dinoscope.models.request import Request
from dinoscope.models.runtimes import RUNTIMES, Runtime, resolved_precision, runtime_named


def test_auto_takes_the_card_s_best_where_the_runtime_has_it() -> None:
    assert resolved_precision("auto", "int8", "onnx") == "int8"
    assert resolved_precision("auto", "fp32", "onnx") == "fp32"
    assert resolved_precision("auto", "int8", "torch") == RUNTIMES["torch"].precisions[0]


def test_a_precision_asked_for_is_taken_or_refused_with_the_way_to_get_it() -> None:
    assert resolved_precision("fp32", "int8", "onnx") == "fp32"
    with pytest.raises(BadRequest, match="runtime to openvino or torch"):
        resolved_precision("bf16", "int8", "onnx")
    with pytest.raises(BadRequest, match="use auto, fp32, int8"):
        resolved_precision("fp4", "int8", "onnx")


def test_an_unknown_runtime_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadRequest, match="onnx, openvino, torch"):
        runtime_named("cuda")


def test_a_missing_package_is_named_with_its_pip_line(asking: Callable[..., Request]) -> None:
    absent = Runtime("dinoscope.models.nowhere", ("fp32",), "no_such_package", "openvino")
    with pytest.raises(MissingExtra, match=r"pip install 'dinoscope\[openvino\]'"):
        absent.open(asking(VitConfig(32, 2, 2, 8, position_grid=(4, 4)), "fp32"))
