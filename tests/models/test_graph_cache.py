"""A built graph is kept whole or not at all, and then neither weights nor ``onnx`` are needed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dinoscope.features import Pixels
from dinoscope.models.config import Tensors, VitConfig
from dinoscope.models.graph_cache import GRAPH_FILE, TABLES_FILE
from dinoscope.models.onnx_runtime import open_backbone
from dinoscope.models.request import Request

CONFIG = VitConfig(32, 2, 2, 8, position_grid=(4, 4))


def no_weights() -> Tensors:
    raise AssertionError("the weights were read again")


@pytest.fixture
def request_(asking: Callable[..., Request]) -> Request:
    return asking(CONFIG, "int8")


def folders(request: Request) -> list[Path]:
    return sorted(request.graphs.iterdir())


def test_the_second_start_reads_no_weights(request_: Request, picture: Callable[..., Pixels]) -> None:
    first = open_backbone(request_).describe([picture(40, 30)])
    second = open_backbone(replace(request_, tensors=no_weights)).describe([picture(40, 30)])
    assert (first == second).all()


def test_the_second_start_imports_no_onnx(request_: Request, tmp_path: Path) -> None:
    open_backbone(request_)
    script = f"""
import sys
from pathlib import Path
from dinoscope.models.backbone import ModelIdentity
from dinoscope.models.card import ModelCard, Source
from dinoscope.models.config import VitConfig
from dinoscope.models.preprocess import Preprocess
from dinoscope.models.request import Request
from dinoscope.models.onnx_runtime import open_backbone
config = {CONFIG!r}
card = ModelCard("tiny", "", "", "", Source("", ""), config, 0, Preprocess(budget=24))
identity = ModelIdentity("tiny", {"0" * 16!r}, "", "int8")
open_backbone(Request(card, identity, None, Path({str(request_.graphs)!r}), threads=1))
assert "onnx" not in sys.modules and "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", [GRAPH_FILE, TABLES_FILE])
@pytest.mark.parametrize("left", [0, 100])
def test_a_damaged_graph_is_built_again(
    request_: Request, picture: Callable[..., Pixels], file: str, left: int
) -> None:
    wanted = open_backbone(request_).describe([picture(40, 30)])
    damaged = folders(request_)[0] / file
    damaged.write_bytes(damaged.read_bytes()[:left])
    assert (open_backbone(request_).describe([picture(40, 30)]) == wanted).all()
    open_backbone(replace(request_, tensors=no_weights))


def test_each_precision_config_and_weights_has_its_own_graph(asking: Callable[..., Request]) -> None:
    requests = [asking(CONFIG, "int8"), asking(CONFIG, "fp32"), asking(replace(CONFIG, use_blocks=1), "int8")]
    other = replace(requests[0], identity=replace(requests[0].identity, weights="1" * 16))
    for request in (*requests, other):
        open_backbone(request)
    assert len(folders(other)) == 4


def test_graphs_of_another_version_are_dropped(request_: Request) -> None:
    open_backbone(request_)
    (current,) = folders(request_)
    stem = current.name.rsplit("-", 2)[0]
    current.rename(current.with_name(f"{stem}-g0-ort1.0"))
    open_backbone(request_)
    assert folders(request_) == [current]


def test_a_cache_that_cannot_be_written_is_no_error(
    request_: Request, picture: Callable[..., Pixels]
) -> None:
    wanted = open_backbone(request_).describe([picture(40, 30)])
    (request_.graphs.parent / "a-file").write_text("in the way")
    blocked = replace(request_, graphs=request_.graphs.parent / "a-file" / "graphs")
    assert np.allclose(open_backbone(blocked).describe([picture(40, 30)]), wanted)


def test_no_drafts_are_left_behind(request_: Request) -> None:
    open_backbone(request_)
    assert [folder.name for folder in folders(request_) if folder.name.startswith(".")] == []
