"""Many pictures are run in pieces, a thread each; few by all threads; the numbers are the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dinoscope.models import onnx_runtime
from dinoscope.models.config import Tensors, VitConfig
from dinoscope.models.graph import float_graph, int8_graph
from dinoscope.models.onnx_runtime import PIECE, OnnxNetwork
from dinoscope.models.vit_backbone import Inputs, Outputs

CONFIG = VitConfig(32, 2, 2, 8, position_grid=(4, 4))
Build = Callable[[VitConfig, Tensors], bytes]
Runs = list[tuple[Any, int]]  # session, pictures


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """What was run where, filled as it happens."""
    seen: Runs = []
    outputs = onnx_runtime._outputs

    def watched(session: Any, inputs: Inputs, names: Sequence[str]) -> Any:
        seen.append((session, len(inputs.patches)))
        return outputs(session, inputs, names)

    monkeypatch.setattr(onnx_runtime, "_outputs", watched)
    return seen


def some(count: int) -> Inputs:
    """Pictures of 3 x 4 patches, no two alike."""
    rng = np.random.default_rng(7)
    patches = rng.standard_normal((count, 12, 192)).astype(np.float32)
    return Inputs((3, 4), patches, {"positions": rng.standard_normal((12, 32)).astype(np.float32)})


def parts(outputs: Outputs) -> list[Any]:
    return [outputs.cls, outputs.patch_tokens, outputs.attention]


@pytest.mark.parametrize("build", [float_graph, int8_graph])
@pytest.mark.parametrize("count", [2, 3, 8, 9])
def test_pieces_say_what_one_picture_after_the_other_says(
    tensors_of: Callable[[VitConfig], Tensors], build: Build, count: int, runs: Runs
) -> None:
    graph, inputs = build(CONFIG, tensors_of(CONFIG)), some(count)
    found = parts(OnnxNetwork(graph, threads=2).full(inputs))
    assert len(runs) > 1
    assert sum(pictures for _, pictures in runs) == count
    assert max(pictures for _, pictures in runs) <= PIECE
    alone = OnnxNetwork(graph, threads=1)
    for number in range(count):
        one = Inputs(inputs.grid, inputs.patches[number : number + 1], inputs.places)
        for many, single in zip(found, parts(alone.full(one)), strict=True):
            assert (many[number] == single[0]).all()


def test_few_pictures_are_run_by_all_threads_at_once(
    tensors_of: Callable[[VitConfig], Tensors], runs: Runs
) -> None:
    network = OnnxNetwork(float_graph(CONFIG, tensors_of(CONFIG)), threads=4)
    network.full(some(3))
    network.full(some(4))
    assert [pictures for _, pictures in runs] == [3, 1, 1, 1, 1]
    together, *single = [session for session, _ in runs]
    assert together.get_session_options().intra_op_num_threads == 4
    assert {session.get_session_options().intra_op_num_threads for session in single} == {1}


def test_a_graph_deleted_meanwhile_is_no_error(
    tensors_of: Callable[[VitConfig], Tensors], tmp_path: Path, runs: Runs
) -> None:
    path = tmp_path / "graph.onnx"
    path.write_bytes(float_graph(CONFIG, tensors_of(CONFIG)))
    network = OnnxNetwork(path, threads=2)
    path.unlink()
    assert network.full(some(8)).cls.shape == (8, 32)
    assert [pictures for _, pictures in runs] == [8]
