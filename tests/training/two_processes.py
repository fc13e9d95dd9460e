"""One of several processes of a training, for test_step: pictures' folder, and where to leave the state."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from tests.training.tiny import EXACT, LIMITS

from dinoscope.training.distributed import agreed, joined, same_everywhere
from dinoscope.training.gathering import gather
from dinoscope.training.loader import Loader
from dinoscope.training.recipe import Extras
from dinoscope.training.step import Stepper


def main(folder: Path, out: Path, windows: int) -> None:
    recipe = replace(EXACT, extras=Extras(patch_weight=0.5), batch=8, accumulate=windows)
    with joined("cpu") as place:
        assert agreed(f"from {place.rank}", place) == "from 0"
        assert same_everywhere(place.rank == 1, place)  # one process is asked to stop: both are
        assert not same_everywhere(False, place)
        stepper = Stepper(recipe, place)
        items = gather([folder], LIMITS)
        with Loader(items, recipe, LIMITS, rank=place.rank, world=place.world) as loader:
            told = [stepper.step(batch) for batch in loader.batches(0, 3)]
        state = {"pair": stepper.pair.state_dict()}
        losses, gradients = [each.loss for each in told], [each.gradient for each in told]
        torch.save({**state, "loss": losses, "gradient": gradients}, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
