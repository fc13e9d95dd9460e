"""Orders cross the pipe unchanged, and a picture that kills its process costs itself alone."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.training.picture_sources import LIMITS, jpeg, tar_of

from dinoscope.errors import Unreadable
from dinoscope.features import Pixels
from dinoscope.pictures.frames import receive_into, send
from dinoscope.training import view_workers
from dinoscope.training.gathering import gather
from dinoscope.training.items import Item, Items
from dinoscope.training.recipe import Crops
from dinoscope.training.view_worker import header_of, order_of
from dinoscope.training.view_workers import ViewWorkers
from dinoscope.training.viewing import Failed, Order, room_for, rows_of, view_all

CROPS = Crops(global_size=32, local_size=16, locals=1)


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Items:
    path = tmp_path_factory.mktemp("pictures") / "a.tar"
    return gather([tar_of(path, {f"{n}.jpg": jpeg(n) for n in range(6)})], LIMITS)


@pytest.fixture(scope="module")
def workers() -> Iterator[ViewWorkers]:
    started = ViewWorkers(1, LIMITS)
    yield started
    started.close()


def order_for(items: Items) -> Order:
    return Order(3, 4, 10, CROPS, tuple((items[number],) for number in range(6)))


@settings(deadline=None)
@given(
    name=st.text(),
    numbers=st.tuples(
        st.integers(0, 2**63), st.integers(0, 2**40), st.integers(0, 2**20), st.integers(-1, 2**50)
    ),
)
def test_an_order_is_the_same_at_the_other_end(name: str, numbers: tuple[int, int, int, int]) -> None:
    seed, step, first, offset = numbers
    pictures = ((Item(Path("a b/ü.tar"), offset, 7, name),), (Item(Path("c.jpg")), Item(Path("d.jpg"))))
    order = Order(seed, step, first, Crops(jitter=(0.1, 0.2), blur_chances=(0.1, 0.2, 0.3)), pictures)
    assert order_of(json.loads(json.dumps(header_of(order)))) == order


def test_a_process_makes_the_views_this_one_would(items: Items, workers: ViewWorkers) -> None:
    order = order_for(items)
    here, there = room_for(CROPS, 6), room_for(CROPS, 6)
    assert view_all(order, LIMITS, here) == workers.view_all(order, there) == {}
    assert all(np.array_equal(*pair) for pair in zip(here, there, strict=True))


def test_the_views_of_a_picture_depend_on_its_place_not_on_its_company(items: Items) -> None:
    whole, single = room_for(CROPS, 6), room_for(CROPS, 1)
    view_all(order_for(items), LIMITS, whole)
    view_all(order_for(items).single(4), LIMITS, single)
    assert all(np.array_equal(*pair) for pair in zip(rows_of(whole, 4, 5), single, strict=True))


def test_a_picture_that_kills_its_process_fails_alone(
    items: Items, workers: ViewWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = workers._ask

    def ask(order: Order, into: Sequence[Pixels]) -> Failed | None:
        deadly = any(item.name == "2.jpg" for pictures in order.pictures for item in pictures)
        return None if deadly else honest(order, into)

    monkeypatch.setattr(workers, "_ask", ask)
    want, got = room_for(CROPS, 6), room_for(CROPS, 6)
    view_all(order_for(items), LIMITS, want)
    failed = workers.view_all(order_for(items), got)
    assert list(failed) == [2]
    assert "2.jpg made the decoder fail" in failed[2]
    others = [0, 1, 3, 4, 5]
    assert all(np.array_equal(one[others], other[others]) for one, other in zip(want, got, strict=True))


def test_when_processes_keep_dying_there_is_one_sentence(
    items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_workers, "_LIVES", 0)
    workers = ViewWorkers(1, LIMITS)
    (worker,) = workers._all
    worker._process.kill()
    with pytest.raises(Unreadable, match="have died"):
        workers.view_all(order_for(items), room_for(CROPS, 6))
    workers.close()
    with pytest.raises(Unreadable, match="the training has ended"):
        workers.view_all(order_for(items), room_for(CROPS, 6))


def test_an_answer_of_another_size_is_no_answer() -> None:
    stream = io.BytesIO()
    send(stream, {"failed": []}, b"12345")
    stream.seek(0)
    with pytest.raises(ValueError, match="bytes"):
        receive_into(stream, [memoryview(bytearray(4))])
    stream.seek(0)
    room = bytearray(5)
    assert receive_into(stream, [memoryview(room)])["failed"] == []
    assert room == b"12345"
    with pytest.raises(EOFError):
        receive_into(stream, [memoryview(room)])
