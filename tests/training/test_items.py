"""Pictures are read from wherever they lie, and data that cannot be trained on is refused in a sentence."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.training.picture_sources import LIMITS, folder_of, jpeg, tar_of

from dinoscope.errors import BadRequest, NotAPicture, PictureTooLarge, Unreadable
from dinoscope.training.gathering import gather
from dinoscope.training.items import Item, Items
from dinoscope.training.sampling import generator_of


def shot_items(shots: list[int], seconds: list[float]) -> Items:
    count = len(shots)
    return Items(
        files=("a.tar",),
        names=("",) * count,
        file=np.zeros(count, np.int32),
        offsets=np.zeros(count, np.int64),
        lengths=np.zeros(count, np.int64),
        shots=np.array(shots, np.int32),
        seconds=np.array(seconds, np.float32),
        digest="",
    )


def test_a_member_of_a_tar_is_read_in_place(tmp_path: Path) -> None:
    tar = tar_of(tmp_path / "a.tar", {"x.jpg": jpeg(1), "y.jpg": jpeg(2)})
    items = gather([tar], LIMITS)
    for number, item in enumerate([items[0], items[1]], 1):
        assert item.data(LIMITS) == jpeg(number)
        assert np.array_equal(item.read(LIMITS).pixels, np.asarray(Image.open(io.BytesIO(jpeg(number)))))


def test_an_item_names_itself_and_its_file(tmp_path: Path) -> None:
    item = Item(tmp_path / "a.tar", 512, 10, "x\n.jpg")
    assert item.where == f"{tmp_path / 'a.tar'}: x\\n.jpg"
    with pytest.raises(Unreadable, match=r"a\.tar: x.* cannot be read \(no such file"):
        item.data(LIMITS)


def test_a_tar_that_lost_its_end_is_refused_when_read(tmp_path: Path) -> None:
    tar = tar_of(tmp_path / "a.tar", {"x.jpg": jpeg(1), "y.jpg": jpeg(2)})
    items = gather([tar], LIMITS)
    tar.write_bytes(tar.read_bytes()[: items[1].offset + 100])
    with pytest.raises(NotAPicture, match=r"y\.jpg is not complete"):
        items[1].read(LIMITS)


def test_limits_hold_for_members_too(tmp_path: Path) -> None:
    tar = tar_of(tmp_path / "a.tar", {"x.jpg": jpeg(1), "y.jpg": jpeg(2)})
    item = gather([tar], LIMITS)[0]
    with pytest.raises(PictureTooLarge, match="max_bytes"):
        item.data(replace(LIMITS, max_bytes=100))
    with pytest.raises(PictureTooLarge, match="megapixels"):
        item.read(replace(LIMITS, max_pixels=100))


def test_fewer_pictures_than_a_batch_are_refused(tmp_path: Path) -> None:
    items = gather([folder_of(tmp_path / "a", 3)], LIMITS)
    items.require(3, LIMITS)
    with pytest.raises(BadRequest, match=r"3 pictures are fewer than a batch of 64: .*--batch 3"):
        items.require(64, LIMITS)


def test_copies_of_one_picture_are_refused(tmp_path: Path) -> None:
    tar = tar_of(tmp_path / "a.tar", {f"{number}.jpg": jpeg(1) for number in range(9)})
    with pytest.raises(BadRequest, match="all of the first 9 pictures are the same one"):
        gather([tar], LIMITS).require(2, LIMITS)
    tar_of(tar, {f"{number}.jpg": jpeg(number // 8) for number in range(9)})
    gather([tar], LIMITS).require(2, LIMITS)


def test_pictures_of_which_none_can_be_decoded_are_refused(tmp_path: Path) -> None:
    broken = {f"{number}.jpg": jpeg(number)[:-300] for number in range(4)}
    with pytest.raises(BadRequest, match=r"fewer than two of these .*\d\.jpg is not complete"):
        gather([tar_of(tmp_path / "a.tar", broken)], LIMITS).require(2, LIMITS)


def test_a_frame_nearby_is_of_the_same_shot_and_moment() -> None:
    items = shot_items([0, 0, 0, 0, 1, 1, -1, -1], [0.0, 1.0, 2.5, 9.0, 9.5, 30.0, 0.0, 0.0])
    near = [{items.nearby(index, generator_of(trial), 2.0) for trial in range(20)} for index in range(8)]
    assert near == [{1}, {0, 2}, {1}, {3}, {4}, {5}, {6}, {7}]
