"""One folder of everything that can go wrong, through the real command."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.conftest import Dinoscope, paint

GOOD = ("plain.png", "photo.jpg", "no ending", "wrong ending.txt", "ünïcode ✓.webp", "deep/down/here.gif")


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    root = tmp_path / "mixed"
    for seed, name in enumerate(GOOD):
        ending = Path(name).suffix
        drawn = paint(
            tmp_path / f"drawn{seed}{ending if ending in ('.jpg', '.webp', '.gif') else '.png'}", seed
        )
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(drawn, root / name)
    whole = paint(tmp_path / "whole.jpg", 50, (400, 300)).read_bytes()
    (root / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "corrupt.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    (root / "zero.jpg").touch()
    (root / "notes.txt").write_text("remember the milk")
    (root / "lies.jpg").write_bytes(os.urandom(2000))
    (root / "loop").symlink_to(root)
    (root / "broken").symlink_to(root / "nothing")
    (root / "out").symlink_to("/etc")
    os.mkfifo(root / "pipe.jpg")
    Image.fromarray(np.zeros((3000, 3000), np.uint8)).save(root / "huge.png")
    return root


BAD = (
    "truncated.jpg",
    "corrupt.png",
    "zero.jpg",
    "notes.txt",
    "lies.jpg",
    "loop",
    "broken",
    "out",
    "pipe.jpg",
)


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
def test_all_good_ones_are_indexed_and_each_bad_one_is_named(dinoscope: Dinoscope, mixed: Path) -> None:
    limited = Dinoscope(dinoscope.environment | {"DINOSCOPE_MAX_PIXELS": "1000000"}, dinoscope.library)
    ran = limited("index", mixed, "--json")
    assert ran.code == 0
    report = ran.json
    refused = {Path(one["path"]).relative_to(mixed).as_posix(): one["sentence"] for one in report["refusals"]}
    assert set(refused) == {*BAD, "huge.png"}
    assert len(report["refusals"]) == report["refused"] == len(refused)
    for name, sentence in refused.items():
        assert str(mixed / name) in sentence
        assert "\n" not in sentence
    assert "9 megapixels" in refused["huge.png"] or "3000 x 3000" in refused["huge.png"]
    assert report["added"] == len(GOOD)
    listed = limited("library", "list", "--json").json["pictures"]
    assert {Path(one["path"]).relative_to(mixed).as_posix() for one in listed} == set(GOOD)
    kinds = {Path(one["path"]).name: one["kind"] for one in listed}
    assert (kinds["no ending"], kinds["wrong ending.txt"], kinds["photo.jpg"]) == ("png", "png", "jpeg")


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
def test_a_terminal_is_told_the_bad_ones_too(dinoscope: Dinoscope, mixed: Path) -> None:
    ran = dinoscope("index", mixed)
    for name in BAD:
        assert str(mixed / name) in ran.err
    remembered = dinoscope("library", "refusals").out
    for name in BAD:
        assert str(mixed / name) in remembered


@pytest.mark.skipif(sys.platform != "linux", reason="needs to give up root's rights")
def test_unreadable_files_and_folders_are_named(dinoscope: Dinoscope, tmp_path: Path) -> None:
    root = tmp_path / "guarded"
    paint(root / "seen.png", 1)
    paint(root / "secret.png", 2).chmod(0)
    paint(root / "cellar" / "deep.png", 3)
    (root / "cellar").chmod(0)
    report = dinoscope("index", root, "--json", preexec_fn=as_anybody).json
    assert report["added"] == 1
    assert {Path(one["path"]).name for one in report["refusals"]} == {"secret.png", "cellar"}


def as_anybody() -> None:
    """Even root, after this, may only read what the permissions allow."""
    drop_from_bounding_set, override, read_search = 24, 1, 2  # PR_CAPBSET_DROP, CAP_DAC_*
    for capability in (override, read_search):
        ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0)
