"""One of several processes of a whole training, for test_start: pictures' folder, folder for the rest."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.training.test_start import SMALL

from dinoscope.settings import Settings
from dinoscope.training.start import begin


def main(folder: Path, home: Path) -> None:
    settings = Settings(runs=home / "runs", models=home / "models", cache=home / "cache", threads=1)
    course = begin(
        [folder], "laptop", "", settings, steps=4, batch=4, workers=0, device="cpu", overrides=SMALL
    )
    last = list(course)[-1]
    assert last.finished
    assert last.run == "mine"
    assert last.model == ("mine" if os.environ["RANK"] == "0" else "")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
