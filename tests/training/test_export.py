"""A trained network becomes a model that every command can use, or is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dinoscope.errors import BadRequest, WeightsRefused
from dinoscope.features import Pixels
from dinoscope.models.config import VitConfig
from dinoscope.models.loading import load_backbone
from dinoscope.models.owned import CARD_FILE, GRAPH_FILE, STORY_FILE, WEIGHTS_FILE, Provenance, find_owned
from dinoscope.models.tensors import read_tensors
from dinoscope.settings import Settings
from dinoscope.training.recipe import Crops, Recipe

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

PLAIN = VitConfig(32, 2, 2, 8, position_grid=(4, 4))
CONFIGS = {
    "dino": PLAIN,
    "dinov2": VitConfig(32, 2, 2, 8, "antialias", (4, 4), registers=2, layer_scale=True),
    "dinov3": VitConfig(32, 2, 2, 8, "rope", registers=4, layer_scale=True, swiglu=True),
}
PROVENANCE = Provenance(("/photos",), 12, 100, 7200.0, scores={"knn": 0.5, "rank": float("nan")})


def trained(config: VitConfig = PLAIN) -> Any:
    """A network every part of which matters."""
    from dinoscope.models.vit import Vit

    vit, dice = Vit(config), torch.Generator().manual_seed(0)
    for name, parameter in vit.named_parameters():
        torch.nn.init.normal_(parameter, mean=float("norm" in name), std=0.3, generator=dice)
    return vit


def recipe(config: VitConfig = PLAIN, **changes: Any) -> Recipe:
    return Recipe("tiny", config, steps=100, batch=4, crops=Crops(global_size=32), **changes)


def some_pictures(count: int) -> list[Pixels]:
    dice = np.random.default_rng(0)
    return [dice.integers(0, 256, (40, 32 + 8 * (i % 3), 3)).astype(np.uint8) for i in range(count)]


@pytest.mark.parametrize("name", CONFIGS)
def test_the_exported_model_sees_what_the_teacher_saw(name: str, settings: Settings) -> None:
    from dinoscope.training.export import export

    vit = trained(CONFIGS[name]).train()
    card = export(vit, recipe(CONFIGS[name]), "mine", settings, PROVENANCE)
    assert vit.training, "the teacher stays as it is"
    assert card.preprocess.budget == 16
    backbone = load_backbone(settings, "mine")
    picture = some_pictures(1)[0][:32, :32]  # needs no resizing
    see = card.preprocess
    normed = (torch.from_numpy(picture) / 255 - torch.tensor(see.mean)) / torch.tensor(see.std)
    with torch.inference_mode():
        wanted = vit.eval()(normed.permute(2, 0, 1)[None].float()).cls[0].numpy()
    assert backbone.describe([picture])[0] @ wanted / np.linalg.norm(wanted) > 0.99999


def test_the_folder_holds_the_weights_the_card_the_graph_and_the_story(settings: Settings) -> None:
    from dinoscope.training.export import export

    card = export(trained(), recipe(), "mine", settings, PROVENANCE)
    folder = settings.models / "mine"
    assert {path.name for path in folder.iterdir()} == {WEIGHTS_FILE, CARD_FILE, GRAPH_FILE, STORY_FILE}
    assert read_tensors(folder / WEIGHTS_FILE).keys() == PLAIN.shapes().keys()
    assert card.bytes == (folder / WEIGHTS_FILE).stat().st_size
    found = find_owned(settings.models, "mine")
    assert found is not None
    assert found.provenance.scores == {"knn": 0.5}, "what is no number is no score, and no JSON"
    assert found.provenance.recipe["crops"]["global_size"] == 32
    assert found.provenance.made.startswith("20")
    json.loads((folder / CARD_FILE).read_text("utf-8"), parse_constant=pytest.fail)
    text = (folder / STORY_FILE).read_text("utf-8")
    for fact in (
        "12 pictures",
        "100 steps in 2.0 h",
        "/photos",
        "| knn | 0.5 |",
        "3, 32, 32",
        "--model mine",
    ):
        assert fact in text


def test_a_high_resolution_finish_makes_the_model_see_more_patches() -> None:
    from dinoscope.training.export import native_side

    assert native_side(recipe()) == 32
    assert native_side(recipe(finish_steps=10, finish_scale=1.6)) == 48, "a multiple of the patch"
    assert native_side(recipe(finish_steps=0, finish_scale=1.6)) == 32


def test_whitening_makes_the_descriptors_of_the_training_pictures_spread(settings: Settings) -> None:
    from dinoscope.training.export import export

    pictures = some_pictures(40)
    export(trained(), recipe(), "plain", settings, PROVENANCE)
    export(trained(), recipe(), "white", settings, PROVENANCE, whiten=iter(pictures))
    plain, white = (load_backbone(settings, name).describe(pictures) for name in ("plain", "white"))
    assert np.abs((white @ white.T).mean()) < 0.1 < (plain @ plain.T).mean()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(value: float, settings: Settings) -> None:
    from dinoscope.training.export import export

    vit = trained()
    with torch.no_grad():
        vit.blocks[1].fc1.weight[3, 4] = value
    with pytest.raises(WeightsRefused, match=r"blocks\.1\.fc1\.weight.*earlier checkpoint"):
        export(vit, recipe(), "mine", settings, PROVENANCE)
    assert not settings.models.exists()


def test_a_name_that_cannot_be_used_is_refused_before_any_work(settings: Settings) -> None:
    from dinoscope.training.export import export

    with pytest.raises(BadRequest, match="starter"):
        export(trained(), recipe(), "starter", settings, PROVENANCE)


@pytest.mark.parametrize("fault", ["graph", "weights", "whole"])
def test_a_reader_that_sees_something_else_stops_the_export(
    fault: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dinoscope.models import graph, onnx_runtime
    from dinoscope.training import export as module

    def other(write: Any) -> Any:
        """The same writer, given a block of noise instead of a trained one."""

        def written(config: VitConfig, tensors: Any, *rest: Any) -> Any:
            noise = np.random.default_rng(1).normal(size=(64, 32)).astype(np.float32)
            return write(config, {**tensors, "blocks.0.fc1.weight": np.tile(noise, (2, 1))}, *rest)

        return written

    def saved(tensors: Any, path: Path, **more: Any) -> None:
        from safetensors.numpy import save_file

        save_file({**tensors, "cls": tensors["cls"][::-1].copy()}, path, **more)

    module.export(trained(), recipe(), "mine", settings, PROVENANCE)
    before = (settings.models / "mine" / CARD_FILE).read_bytes()
    if fault == "graph":
        monkeypatch.setitem(onnx_runtime.BUILDS, "fp32", other(graph.float_graph))
    elif fault == "whole":
        monkeypatch.setattr(module, "whole_graph", other(graph.whole_graph))
    else:
        monkeypatch.setattr(module, "save_file", saved)
    fresh = settings.with_overrides(cache=tmp_path / "cache")  # no graph built of these weights before
    who = {"graph": "onnx runtime", "weights": "onnx runtime", "whole": r"model\.onnx"}[fault]
    with pytest.raises(WeightsRefused, match=rf"not exported because .*{who} sees something else"):
        module.export(trained(), recipe(), "mine", fresh, PROVENANCE)
    assert (settings.models / "mine" / CARD_FILE).read_bytes() == before, "the former model stays"
