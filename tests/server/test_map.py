"""The map over HTTP: laid out once, then points and filters as bytes."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.testclient import TestClient

from dinoscope.operations import mapping, projecting
from dinoscope.operations.session import Session
from dinoscope.server.mapping import Maps
from dinoscope.server.wire_map import packed_points

IdOf = Callable[[TestClient, str], int]


@pytest.fixture(autouse=True)
def _by_principal_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is installed: importing PaCMAP takes seconds."""
    monkeypatch.setattr(mapping, "best_method", lambda: "pca")


def laid_out(client: TestClient, **params: str) -> dict[str, Any]:
    state: dict[str, Any] = client.post("/api/v1/map", params=params).json()
    for _ in range(200):
        if state["state"] != "running":
            break
        time.sleep(0.05)
        state = client.get("/api/v1/map").json()
    assert state["state"] == "ready", state
    return state


def unpacked(data: bytes) -> tuple[NDArray[np.float64], NDArray[np.uint16], NDArray[np.uint8]]:
    """Ids, places and whether fitted, as docs/api.md has them."""
    magic, points = struct.unpack_from("<4sI", data)
    assert magic == b"DMP2"
    assert len(data) == 16 + 13 * points
    ids = np.frombuffer(data, "<f8", points, 16)
    places = np.frombuffer(data, "<u2", 2 * points, 16 + 8 * points).reshape(points, 2)
    return ids, places, np.frombuffer(data, np.uint8, points, 16 + 12 * points)


def test_a_map_is_laid_out_once(client: TestClient) -> None:
    assert client.get("/api/v1/map").json()["state"] == "none"
    assert client.get("/api/v1/map/points").status_code == 404
    state = laid_out(client)
    assert (state["method"], state["pictures"], state["fitted"]) == ("pca", 23, 23)  # one file is a copy
    ids, places, fitted = unpacked(client.get("/api/v1/map/points").content)
    assert len(ids) == 23
    assert (np.diff(ids.astype(np.int64)) > 0).all()
    assert fitted.all()
    assert places.min() < 65535 / 4
    assert places.max() > 3 * 65535 / 4
    assert laid_out(client)["revision"] == state["revision"]


def test_forgetting_a_picture_makes_the_map_stale(client: TestClient, id_of: IdOf) -> None:
    first = laid_out(client)
    gone = id_of(client, "large.jpg")
    assert client.delete(f"/api/v1/pictures/{gone}").status_code < 300
    assert client.get("/api/v1/map").json()["state"] == "none"
    second = laid_out(client)
    assert second["pictures"] == first["pictures"] - 1
    assert second["revision"] != first["revision"]
    assert gone not in unpacked(client.get("/api/v1/map/points").content)[0]


def test_another_server_finds_the_map_made(client: TestClient, session: Session) -> None:
    state = laid_out(client)
    found = mapping.kept_map(session.library, state["model"])
    assert found is not None
    assert len(found) == 23


def test_which_pass_a_filter_comes_as_bits(client: TestClient, id_of: IdOf) -> None:
    laid_out(client)
    ids = unpacked(client.get("/api/v1/map/points").content)[0]
    data = client.get("/api/v1/map/passing", params={"where": "kind=png"}).content
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[: len(ids)]
    everything = client.get("/api/v1/pictures?limit=1000").json()["pictures"]
    pngs = {one["id"] for one in everything if one["name"].endswith(".png")}
    assert set(ids[bits == 1].tolist()) == pngs
    assert client.get("/api/v1/map/passing", params={"where": "nonsense"}).status_code == 422


def test_an_error_is_told_as_a_sentence(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(mapping, "project", broken)
    state = client.post("/api/v1/map").json()
    while state["state"] == "running":
        time.sleep(0.05)
        state = client.get("/api/v1/map").json()
    assert state["state"] == "failed"
    assert "RuntimeError" in state["error"]


def test_a_map_that_ends_while_it_is_asked_for_is_never_none(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who saw "none" would take it that nothing runs, and ask no more."""
    maps: Any = client.app.state.maps  # type: ignore[attr-defined]
    may_end = threading.Event()
    project, current = projecting.project, maps._current

    def waiting(*arguments: Any) -> Any:
        may_end.wait(10)
        return project(*arguments)

    def ended() -> Any:
        found = current()
        may_end.set()
        maps._thread.join(10)
        return found

    monkeypatch.setattr(mapping, "project", waiting)
    assert client.post("/api/v1/map").json()["state"] == "running"
    monkeypatch.setattr(maps, "_current", ended)
    assert client.get("/api/v1/map").json()["state"] == "running"
    assert client.get("/api/v1/map").json()["state"] == "ready"


def test_a_map_under_way_ends_with_the_server(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def endless(*_: object, **__: object) -> Iterator[mapping.Mapping]:
        for step in count():
            begun.set()
            go_on.wait(10)
            yield mapping.Mapping("Placing", step, 10**9)

    monkeypatch.setattr("dinoscope.server.mapping.lay_out", endless)
    maps = Maps(session)
    assert maps.start(again=True, patience=0).state == "running"
    assert begun.wait(10)
    go_on.set()
    maps.close()
    assert maps.state().state == "none"
    assert maps.start(again=True, patience=0).state == "none"


def test_ids_of_a_library_in_many_shards_come_whole() -> None:
    ids = np.array([7, 2**40 + 1, 2**52 + 1], np.int64)
    places, fitted = np.zeros((3, 2), np.float32), np.ones(3, np.bool_)
    found = mapping.LibraryMap("model", "pca", 1, ids, places, fitted)
    assert unpacked(packed_points(found))[0].astype(np.int64).tolist() == ids.tolist()
