"""Hostile files of every kind against the door as indexing and serving use it: in processes apart."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.hostile.corpus import corpus, hand_made
from tests.hostile.foreign import FOREIGN
from tests.hostile.pieces import Hostile
from tests.hostile.whole import whole_pictures
from tests.server.conftest import Colours

from dinoscope.errors import MissingExtra, NotAPicture
from dinoscope.library.library import Library
from dinoscope.operations.indexing import index_folders
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import check_head
from dinoscope.pictures.workers import DecodeWorkers
from dinoscope.settings import Settings

psutil = pytest.importorskip("psutil")

PIXELS = 250_000  # the limit, and what the bombs claim
MUTANTS = 300  # make fuzz tries as many as a minute holds
MOST_MEMORY = 400 * 2**20  # bytes a decoder may ever take within these limits; an idle one takes 70 MB
LIMITS = Limits(max_bytes=8 * 2**20, max_pixels=PIXELS, max_seconds=60)


def test_every_file_is_a_picture_or_a_sentence_and_none_ends_its_decoder() -> None:
    pictures: list[int] = []
    sentences: dict[str, str] = {}
    before = set(psutil.Process().children())
    with DecodeWorkers(1, LIMITS) as workers:
        for one in corpus(MUTANTS, pixels=PIXELS):
            try:
                decoded = workers.decode(one.data, where="the file", at_least=64)
            except (NotAPicture, MissingExtra) as refusal:
                sentences[one.name] = str(refusal)
            else:
                pictures.append(decoded.size.width * decoded.size.height)
        (child,) = set(psutil.Process().children()) - before  # the first one still
        peak = _peak(child.pid)
    assert len(pictures) > 100
    assert max(pictures) <= PIXELS
    assert len(sentences) > 700
    odd = {
        name: said
        for name, said in sentences.items()
        if not said.startswith("the file ") or "\n" in said or len(said) > 300 or "decoder fail" in said
    }
    assert not odd
    assert peak < MOST_MEMORY


def _peak(pid: int) -> int:
    """Bytes that a process ever had in memory."""
    if not sys.platform.startswith("linux"):
        return 0
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_picture_never_reaches_a_decoder(name: str) -> None:
    with pytest.raises(NotAPicture):
        check_head(FOREIGN[name][:64], "it")


def test_whole_pictures_of_all_kinds_pass() -> None:
    """Or the refusals above would prove nothing."""
    kinds = set()
    with DecodeWorkers(1, LIMITS) as workers:
        for name, data in whole_pictures().items():
            if name.startswith("heif"):
                continue
            kinds.add(workers.decode(data, where=name).kind)
    assert {"jpeg", "png", "gif", "bmp", "tiff", "webp"} <= kinds


def test_a_folder_of_hostile_files_is_indexed_to_its_end(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    files = [one for at, one in enumerate(hand_made(10_000)) if at % 12 == 0]
    for at, one in enumerate(files):
        (folder / f"{at:04}.jpg").write_bytes(one.data)
    (folder / "z.png").write_bytes(whole_pictures()["png"])
    with Library.open(settings.library, write=True) as library:
        *_, last = index_folders([folder], library, Colours(), settings)
        sentences = [refusal.sentence for refusal in library.refusals()]
        assert library.find(folder / "z.png") is not None
    assert last.finished
    assert last.added + len(sentences) == len(files) + 1
    assert len(sentences) > len(files) // 2
    assert all(str(folder) in sentence and "\n" not in sentence for sentence in sentences)


def test_the_corpus_is_the_same_every_time() -> None:
    """So that what was found once can be found again."""

    def names() -> list[Hostile]:
        return [one for one in corpus(50, seed=3, pixels=10_000) if "bomb" not in one.name]

    assert names() == names()
