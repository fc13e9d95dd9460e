"""What indexing reads, skips, replaces and forgets."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import pytest
from PIL import Image
from tests.operations.conftest import Colours, Index, paint

from dinoscope.errors import BadRequest, DiskFull, NotAPicture, Unreadable
from dinoscope.features import Pixels
from dinoscope.library.library import Library
from dinoscope.operations.indexing import decode_workers, index_folders
from dinoscope.operations.progress import Progress
from dinoscope.settings import Settings


def test_every_picture_gets_a_row_and_a_vector(
    index: Index, library: Library, colours: Colours, folder: Path
) -> None:
    last = index(folder)[-1]
    assert (last.found, last.added, last.known, last.refused) == (12, 12, 0, 0)
    assert last.finished
    assert not last.walking
    assert library.shelf(colours.identity.key).count == 12
    assert {one.path for one in library.page(limit=100).pictures} == set(folder.rglob("*.png"))


def test_counts_only_grow_and_agree_at_the_end(index: Index, folder: Path) -> None:
    (folder / "text.jpg").write_text("no picture")
    steps = index(folder)
    for before, after in pairwise(steps):
        assert before.done <= after.done
        assert before.found <= after.found
    assert steps[-1].done == steps[-1].found == 13
    assert [step.finished for step in steps] == [False] * (len(steps) - 1) + [True]


def test_pictures_of_one_shape_are_encoded_together(index: Index, colours: Colours, tmp_path: Path) -> None:
    for seed in range(40):
        paint(tmp_path / "many" / f"{seed}.png", seed)
    index(tmp_path / "many")
    assert sum(colours.batches) == 40
    assert max(colours.batches) <= 8


def test_a_second_run_reads_nothing(
    index: Index, colours: Colours, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(folder)

    def read(*_: object, **__: object) -> None:
        raise AssertionError("an unchanged file was read")

    monkeypatch.setattr("dinoscope.pictures.workers.DecodeWorkers.read", read)
    last = index(folder)[-1]
    assert (last.added, last.known) == (0, 12)
    assert colours.described == 12


def test_moved_and_copied_files_keep_their_vector(
    index: Index, library: Library, colours: Colours, folder: Path
) -> None:
    index(folder)
    (folder / "a" / "00.png").rename(folder / "b" / "moved.png")
    shutil.copyfile(folder / "a" / "01.png", folder / "copy.png")
    last = index(folder)[-1]
    assert (last.added, last.known, last.removed) == (0, 13, 1)
    assert colours.described == 12
    assert library.find(folder / "a" / "00.png") is None
    moved = library.find(folder / "b" / "moved.png")
    assert moved is not None
    assert library.shelf(colours.identity.key).vector(moved.content).shape == (48,)


def test_copies_in_one_run_are_encoded_once(index: Index, colours: Colours, tmp_path: Path) -> None:
    root = tmp_path / "copies"
    paint(root / "0.png", 0)
    for number in range(1, 20):
        shutil.copyfile(root / "0.png", root / f"{number}.png")
    last = index(root)[-1]
    assert (last.added, last.known) == (1, 19)
    assert colours.described == 1


def test_a_changed_file_is_replaced(index: Index, library: Library, folder: Path) -> None:
    index(folder)
    path = folder / "a" / "00.png"
    before = library.find(path)
    paint(path, 99)
    os.utime(path, ns=(0, 10**18))
    last = index(folder)[-1]
    after = library.find(path)
    assert (last.added, last.known, last.removed) == (1, 11, 0)
    assert before is not None
    assert after is not None
    assert before.id == after.id
    assert before.content != after.content


def test_a_touched_file_is_read_but_not_encoded(index: Index, colours: Colours, folder: Path) -> None:
    index(folder)
    os.utime(folder / "a" / "00.png", ns=(0, 10**18))
    assert index(folder)[-1].known == 12
    assert colours.described == 12


def test_vanished_files_are_forgotten_only_below_the_root_that_was_walked(
    index: Index, library: Library, folder: Path
) -> None:
    index(folder)
    (folder / "a" / "00.png").unlink()
    (folder / "b" / "07.png").unlink()
    assert index(folder / "a")[-1].removed == 1
    assert library.count() == 11


def test_a_missing_root_removes_nothing(index: Index, library: Library, folder: Path) -> None:
    index(folder)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(Unreadable, match="does not exist"):
        index(folder)
    assert library.count() == 12


def test_a_root_that_is_suddenly_empty_removes_nothing_and_says_so(
    index: Index, library: Library, folder: Path
) -> None:
    index(folder)
    folder.rename(folder.with_name("elsewhere"))
    folder.mkdir()  # the mount point of a disk that is not there
    steps = index(folder)
    assert library.count() == 12
    assert [step.refusal.path for step in steps if step.refusal] == [folder]


def test_a_root_emptied_of_its_pictures_but_not_of_its_files_forgets_them(
    index: Index, library: Library, folder: Path
) -> None:
    index(folder)
    for path in folder.rglob("*.png"):
        path.unlink()
    (folder / "notes.txt").write_text("moved to the cellar")
    assert index(folder)[-1].removed == 12
    assert library.count() == 0


def test_a_library_among_the_pictures_does_not_index_its_own_thumbnails(
    index: Index, library: Library, tmp_path: Path
) -> None:
    for seed in range(3):
        paint(tmp_path / f"{seed}.png", seed)
    assert library.folder.is_relative_to(tmp_path)
    index(tmp_path)
    last = index(tmp_path)[-1]
    assert (last.found, last.known, last.refused) == (3, 3, 0)
    assert library.count() == 3


def test_an_empty_folder_is_no_error(index: Index, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    last = index(tmp_path / "empty")[-1]
    assert (last.found, last.done, last.finished) == (0, 0, True)


def test_a_single_file_can_be_indexed(index: Index, library: Library, folder: Path) -> None:
    assert index(folder / "a" / "00.png")[-1].added == 1
    assert library.count() == 1


def test_no_folder_at_all_is_refused(index: Index) -> None:
    with pytest.raises(BadRequest, match="no folder"):
        index()


def test_overlapping_roots_are_met_once(index: Index, folder: Path) -> None:
    link = folder.with_name("link")
    link.symlink_to(folder)
    last = index(folder / "a", folder, folder, link)[-1]
    assert (last.found, last.added) == (12, 12)


def test_each_bad_file_is_named_once_and_remembered(index: Index, library: Library, folder: Path) -> None:
    (folder / "cut.png").write_bytes((folder / "a" / "00.png").read_bytes()[:60])
    (folder / "nothing.jpg").touch()
    steps = index(folder)
    refusals = [step.refusal for step in steps if step.refusal]
    assert {refusal.path.name for refusal in refusals} == {"cut.png", "nothing.jpg"}
    assert len(refusals) == steps[-1].refused == 2
    assert steps[-1].added == 12
    assert {refusal.path.name for refusal in library.refusals()} == {"cut.png", "nothing.jpg"}


def test_a_mended_file_is_no_longer_refused(index: Index, library: Library, folder: Path) -> None:
    bad = folder / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n")
    index(folder)
    paint(bad, 50)
    assert index(folder)[-1].added == 1
    assert library.refusals() == ()


def test_a_hidden_root_inside_another_is_walked(index: Index, tmp_path: Path) -> None:
    paint(tmp_path / "root" / "seen.png", 1)
    paint(tmp_path / "root" / ".cellar" / "hidden.png", 2)
    assert index(tmp_path / "root")[-1].added == 1
    last = index(tmp_path / "root", tmp_path / "root" / ".cellar")[-1]
    assert (last.added, last.known, last.removed) == (1, 1, 0)


def test_a_second_model_gets_vectors_of_its_own(
    index: Index, library: Library, colours: Colours, settings: Settings, folder: Path
) -> None:
    index(folder)
    other = Colours("other")
    last = list(index_folders([folder], library, other, settings))[-1]
    assert last.added == 12
    assert set(library.models()) == {colours.identity.key, other.identity.key}
    assert library.count() == 12


def test_thumbnails_are_made_on_the_way(index: Index, library: Library, folder: Path) -> None:
    index(folder)
    picture = library.find(folder / "a" / "00.png")
    assert picture is not None
    data = library.thumbnail(picture.content)
    assert data is not None
    assert data[8:12] == b"WEBP"


class Cancelling(Colours):
    """Calls ``at`` when it is asked for the n-th batch."""

    def __init__(self, batch: int, at: Callable[[], None]) -> None:
        super().__init__()
        self._batch, self._at = batch, at

    def see(self, pictures: Sequence[Pixels]) -> None:
        if len(self.batches) + 1 == self._batch:
            self._at()
        super().see(pictures)


@pytest.fixture
def whole(settings: Settings) -> Settings:
    """Whole pictures only: fitting a basis of region tokens has the encoder see other pictures, too."""
    return settings.with_overrides(regions=False)


def many(root: Path, count: int) -> Path:
    for seed in range(count):
        paint(root / f"{seed:03}.png", seed)
    return root


def test_cancelling_keeps_what_is_finished(library: Library, whole: Settings, tmp_path: Path) -> None:
    asked: list[bool] = []
    backbone = Cancelling(2, lambda: asked.append(True))
    steps = list(
        index_folders([many(tmp_path / "many", 40)], library, backbone, whole, cancelled=lambda: bool(asked))
    )
    assert not steps[-1].finished
    assert 0 < steps[-1].added < 40
    assert library.count() == steps[-1].added == backbone.described


def test_ctrl_c_keeps_what_is_finished_and_a_second_run_does_the_rest(
    library: Library, whole: Settings, tmp_path: Path
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    backbone = Cancelling(3, interrupt)
    root = many(tmp_path / "many", 40)
    with pytest.raises(KeyboardInterrupt):
        list(index_folders([root], library, backbone, whole))
    assert library.count() == backbone.described > 0
    rest = Colours()
    last = list(index_folders([root], library, rest, whole))[-1]
    assert last.added == rest.described == 40 - backbone.described
    assert library.count() == 40


def test_closing_the_generator_commits(
    library: Library, colours: Colours, whole: Settings, tmp_path: Path
) -> None:
    steps = index_folders([many(tmp_path / "many", 40)], library, colours, whole)
    for step in steps:
        if step.added:
            break
    steps.close()  # type: ignore[attr-defined]
    assert library.count() == colours.described > 0


def test_a_stop_does_not_wait_for_a_picture_that_takes_long(
    library: Library, colours: Colours, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Endless:
        """A decoder that is busy until it is ended."""

        def __init__(self, *_: object) -> None:
            self.busy, self.ended = Event(), Event()

        def __enter__(self) -> Endless:
            return self

        def __exit__(self, *_: object) -> None:
            self.close()

        def close(self) -> None:
            self.ended.set()

        def read(self, *_: object, **__: object) -> None:
            self.busy.set()
            self.ended.wait()
            raise NotAPicture("the decoder was ended")

    reader = Endless()
    monkeypatch.setattr("dinoscope.operations.indexing.DecodeWorkers", lambda *_: reader)
    steps = index_folders([folder], library, colours, settings)
    while not reader.busy.is_set():
        next(steps)
    stopped = Thread(target=steps.close, daemon=True)  # type: ignore[attr-defined]
    stopped.start()
    stopped.join(20)
    still_waiting = stopped.is_alive()
    reader.close()
    assert not still_waiting


def test_a_full_disk_ends_the_run_and_is_not_hidden_by_a_second_try(
    library: Library,
    colours: Colours,
    settings: Settings,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = []

    def commit(*_: object, **__: object) -> None:
        tries.append(1)
        raise DiskFull("no space is left: make room")

    monkeypatch.setattr(library, "commit", commit)
    with pytest.raises(DiskFull):
        list(index_folders([folder], library, colours, settings))
    assert len(tries) == 1


def test_a_large_png_costs_no_more_memory_than_the_model_needs(
    index: Index, library: Library, tmp_path: Path
) -> None:
    (tmp_path / "large").mkdir()
    Image.new("RGB", (4000, 3000), "teal").save(tmp_path / "large" / "large.png")
    index(tmp_path / "large")
    picture = library.find(tmp_path / "large" / "large.png")
    assert picture is not None
    assert (picture.size.width, picture.size.height) == (4000, 3000)


def test_few_cores_decode_with_one_process_and_many_with_at_most_eight() -> None:
    assert [decode_workers(cores) for cores in (1, 2, 4, 16, 128)] == [1, 1, 2, 8, 32]


def test_progress_is_a_value() -> None:
    step = Progress(found=3, walking=False, added=1, known=1, removed=0, refused=1, seconds=0.5)
    assert step.done == 3
