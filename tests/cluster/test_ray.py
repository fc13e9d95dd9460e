"""A Ray cluster of several nodes on this machine: indexed through it, served by it, and with nodes killed.

All in one file, so that one cluster serves all of it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import psutil  # type: ignore[import-untyped]
import pytest
from tests.hues import Hues
from tests.server.conftest import ORIGIN, asking

from dinoscope.cluster import indexing
from dinoscope.cluster.asking import LocalShards
from dinoscope.cluster.indexing import index_in_shards
from dinoscope.cluster.manifest import Manifest, shard_folder
from dinoscope.cluster.serving import served
from dinoscope.cluster.sharded_library import ShardedLibrary
from dinoscope.cluster.starting import joined
from dinoscope.errors import BadRequest, LibraryBusy, LibraryDamaged, NoLibrary, Unreadable
from dinoscope.geometry import Box
from dinoscope.library.library import Library
from dinoscope.operations.answers import Answer
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.progress import Progress
from dinoscope.operations.region_answers import RegionAnswer
from dinoscope.operations.session import Session
from dinoscope.pictures.limits import Limits
from dinoscope.server.app import create_app
from dinoscope.settings import Settings

from .conftest import PICTURES, SHARDS, Other, Signing, Slow, paint, signatures
from .test_sharded_library import scored

pytestmark = [
    pytest.mark.extra,
    *(
        pytest.mark.filterwarnings(f"ignore::{kind}")
        for kind in ("DeprecationWarning", "FutureWarning", "ResourceWarning")
    ),
]
Asked = TypeVar("Asked", Answer, RegionAnswer)
WRITTEN = 2  # shards where a test makes some: each has a process
MEMORY = 80 * 2**20  # bytes of object store a node: the least that Ray allows


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """One node, to which tests add others, and this process connected to it."""
    import cloudpickle
    from ray.cluster_utils import Cluster
    from tests import hues
    from tests.cluster import conftest

    for module in (hues, conftest):
        cloudpickle.register_pickle_by_value(module)
    cluster = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 1,
            "include_dashboard": False,
            "object_store_memory": MEMORY,
            "_system_config": {
                "health_check_period_ms": 500,
                "health_check_failure_threshold": 4,
                "worker_niceness": 0,
            },
        },
    )
    with joined(cluster.address):
        yield cluster
    cluster.shutdown()


@pytest.fixture
def index(settings: Settings, nodes: Any) -> Callable[..., list[Progress]]:
    """Index through Ray to the end and return every snapshot."""

    def run(*names: Path | str, **options: Any) -> list[Progress]:
        return list(index_in_shards(names, settings, shards=WRITTEN, load=Hues, **options))

    return run


def opened(root: Path) -> Session:
    manifest = Manifest.read(root)
    settings = Settings(library=root)
    return Session(ShardedLibrary(root, manifest, LocalShards(root, manifest)), settings, Hues())


def same(one: Session, many: Session, painted: Path) -> None:
    """Do they give the same pictures, scores and places?"""
    for name in ("a/001.png", "b/010.png"):
        here, there = (complete(session.search, painted / name, k=100) for session in (one, many))
        assert scored(there) == scored(here)
        part = Box(0, 0, 32, 32)
        found, also = (complete(session.search_region, painted / name, part, k=30) for session in (one, many))
        assert scored(also) == scored(found)
        places = {hit.picture.path: hit.places for hit in found.hits}
        assert {hit.picture.path: hit.places for hit in also.hits} == places


def complete(ask: Callable[..., Asked], *question: Any, **more: Any) -> Asked:
    """The first answer that no shard is missing from: that a node died may be noticed late."""
    until = time.monotonic() + 60
    while True:
        answer = ask(*question, **more)
        if not answer.silent or time.monotonic() > until:
            return answer


def sound(root: Path) -> bool:
    """Have the shards no contradictions, and every picture its own?"""
    manifest = Manifest.read(root)
    for number in range(manifest.shards):
        with Library.open(shard_folder(root, number)) as shard:
            assert list(shard.verify()) == []
    return True


def test_the_outcome_is_that_of_one_machine(
    one: Session, index: Callable[..., list[Progress]], settings: Settings, painted: Path
) -> None:
    last = index(painted)[-1]
    assert last.finished
    assert (last.found, last.added, last.known) == (66, PICTURES, PICTURES // 10)
    assert last.done == last.found
    with opened(settings.library) as many:
        same(one, many, painted)
        assert many.library.info().shelves[0].regions == PICTURES
        first = many.library.page(limit=1).pictures[0]
        assert many.library.thumbnail(first.content) is not None
    again = index(painted)[-1]
    assert (again.added, again.known, again.removed) == (0, last.found, 0)

    behind_url = index(f"file://{painted}")[-1]  # the same bytes under other names: rows, and nothing else
    assert (behind_url.added, behind_url.known, behind_url.refused) == (0, last.found, 0)
    assert index(f"file://{painted}")[-1].known == last.found
    with opened(settings.library) as many:
        found = many.library.find(Path(f"/file:{painted}/a/001.png"))
        assert found is not None
        lent = many.library.original(found, Limits.of(settings))
        assert lent.read_bytes() == (painted / "a/001.png").read_bytes()
        assert many.library.info().contents == PICTURES
    assert sound(settings.library)


def test_a_folder_that_changed_is_followed(
    index: Callable[..., list[Progress]], settings: Settings, tmp_path: Path
) -> None:
    folder = paint(tmp_path / "pictures", 12)
    (folder / "no picture.jpg").write_text("hello")
    first = index(folder)
    assert (first[-1].added, first[-1].known, first[-1].refused) == (12, 2, 1)
    assert [step.refusal.path.name for step in first if step.refusal] == ["no picture.jpg"]

    (folder / "a/001.png").unlink()  # gone
    (folder / "a/003.png").rename(folder / "b/renamed.png")  # another name
    paint(tmp_path / "more", 1, first=70)
    shutil.copy(tmp_path / "more/b/070.png", folder / "a/005.png")  # other bytes, maybe of another shard
    (folder / "no picture.jpg").unlink()
    last = index(folder)[-1]
    assert (last.added, last.known, last.removed, last.refused) == (1, 12, 2, 0)
    with opened(settings.library) as many:
        paths = {one.path for one in many.library.page(limit=100).pictures}
        assert paths == set(folder.rglob("*.png"))
        changed = many.library.find(folder / "a/005.png")
        assert changed is not None
        assert changed.bytes == (folder / "a/005.png").stat().st_size
        assert many.library.refusals() == ()

    shutil.move(folder / "a", tmp_path / "a")
    shutil.move(folder / "b", tmp_path / "b")
    unmounted = index(folder)[-1]
    assert (unmounted.removed, unmounted.refused) == (0, 1)  # an empty folder may be a disk that is not there


def test_neither_a_stop_nor_a_killed_node_costs_anything(
    settings: Settings, nodes: Any, tmp_path: Path
) -> None:
    folder = paint(tmp_path / "pictures", 140)
    second = nodes.add_node(num_cpus=1, object_store_memory=MEMORY)
    with closing(index_in_shards([folder], settings, shards=WRITTEN, load=Slow)) as steps:
        stopped = next(step for step in steps if step.added)
    killed = False
    last: Progress | None = None
    for last in index_in_shards([folder], settings, load=Slow):
        if last.added and not killed:
            nodes.remove_node(second, allow_graceful=False)
            killed = True
    assert killed
    assert last is not None
    assert last.finished
    assert last.known >= stopped.added > 0
    assert last.done == last.found == 154
    assert sound(settings.library)
    with opened(settings.library) as many, Library.open(tmp_path / "one", write=True) as alone:
        list(index_folders([folder], alone, Hues(), replace(settings, library=tmp_path / "one")))
        same(Session(alone, settings, Hues()), many, folder)


def test_a_node_that_joins_in_the_middle_takes_work(
    settings: Settings, nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "BATCH", 8)
    folder = paint(tmp_path / "pictures", 70)

    until = time.monotonic() + 60
    with ThreadPoolExecutor(1) as pool:  # Ray starts nodes in the main thread only
        indexed = pool.submit(lambda: list(index_in_shards([folder], settings, shards=1, load=Signing))[-1])
        while not (signatures(settings.library) or indexed.done()) and time.monotonic() < until:
            time.sleep(0.1)
        second = nodes.add_node(num_cpus=1, object_store_memory=MEMORY)
        look_for_nodes()
        last = indexed.result()
    nodes.remove_node(second)
    assert last.finished
    assert last.done == last.found == 77  # a copy that both met at once may count as added twice
    with opened(settings.library) as many:
        assert many.library.info().contents == 70
    assert len(signatures(settings.library)) == 2


def look_for_nodes() -> None:
    """Ray Data does so every 20 seconds, which no test waits for."""
    import ray
    from ray.data._internal.cluster_autoscaler import get_or_create_autoscaling_coordinator

    ray.get(get_or_create_autoscaling_coordinator()._tick.remote())


def test_bad_input_is_one_sentence(
    index: Callable[..., list[Progress]], settings: Settings, shards_folder: Path, painted: Path
) -> None:
    folder = painted
    with pytest.raises(Unreadable, match="does not exist"):
        index(folder / "nothing")
    assert not settings.library.exists()
    shutil.copytree(shards_folder, settings.library)
    with pytest.raises(BadRequest, match="has 3 shards, not 5"):
        list(index_in_shards([folder], settings, shards=5, load=Hues))
    with pytest.raises(BadRequest, match="choose --model"):
        list(index_in_shards([folder], settings, load=Other))
    with (
        Library.open(shard_folder(settings.library, 1), write=True),
        pytest.raises(LibraryBusy, match="is writing to the library"),
    ):
        list(index_in_shards([folder], settings, load=Hues))
    stranger = shard_folder(settings.library, 2) / "shard.json"
    stranger.write_text(stranger.read_text().replace('"number": 2', '"number": 0'))
    with pytest.raises(LibraryDamaged, match="is shard 0 of"):
        list(index_in_shards([folder], settings, load=Hues))


@pytest.fixture
def served_session(shards_folder: Path, settings: Settings, nodes: Any) -> Iterator[Session]:
    """The generated pictures, their shards served by Ray on two nodes."""
    second = nodes.add_node(num_cpus=1, object_store_memory=MEMORY)
    with served(replace(settings, library=shards_folder), load=Hues) as session:
        session.settings_of_second = second  # type: ignore[attr-defined]
        yield session
    if second in nodes.worker_nodes:
        nodes.remove_node(second)


def test_the_same_page_and_answers_come_from_shards_and_no_killed_process_or_node_is_missed(
    one: Session, served_session: Session, nodes: Any, painted: Path
) -> None:
    """In one, for a start of all shards takes seconds."""
    many = served_session
    same(one, many, painted)
    over_http(many, painted)

    whole = scored(many.search(painted / "a/001.png", k=100))
    killed = psutil.Process(next(replicas()))
    killed.kill()
    healed(many, painted, whole)

    nodes.remove_node(many.settings_of_second, allow_graceful=False)  # type: ignore[attr-defined]
    healed(many, painted, whole)
    same(one, many, painted)


def replicas() -> Iterator[int]:
    """The processes that serve shards."""
    for process in psutil.process_iter(["cmdline"]):
        if any("ServeReplica:dinoscope" in part for part in process.info["cmdline"] or ()):
            yield process.pid


def healed(many: Session, painted: Path, whole: list[tuple[float, str]]) -> None:
    """Every answer is whole, or says that it is not and is right about the rest; and soon all are whole."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        answer = many.search(painted / "a/001.png", k=100)
        found = scored(answer)
        if answer.silent:
            assert answer.note is not None
            assert f"{answer.silent} of {SHARDS} shards did not answer" in answer.note
            assert set(found) < set(whole)
        else:
            assert answer.note is None
            assert found == whole
            return
    pytest.fail("the shards did not come back within a minute")


def over_http(many: Session, painted: Path) -> None:
    """What the page asks for."""
    with asking(create_app(many.settings, many)) as client:
        about = client.get("/api/v1/about").json()
        assert about["library"]["pictures"] == PICTURES + PICTURES // 10
        assert about["library"]["read_only"] is True
        listed = client.get("/api/v1/pictures?limit=5&order=path").json()["pictures"]
        assert [one["path"] for one in listed] == sorted(map(str, painted.rglob("*.png")))[:5]
        id = listed[0]["id"]
        answer = client.get(f"/api/v1/search?like={id}&k=5").json()
        assert (answer["silent"], answer["note"], len(answer["hits"])) == (0, None, 5)
        part = {"picture": str(id), "boxes": [[0, 0, 32, 32]], "refine": False}
        region = client.post("/api/v1/search/region?k=5", json=part, headers={"Origin": ORIGIN}).json()
        assert (region["silent"], len(region["hits"])) == (0, 5)
        for kind in ("thumbnail", "image", "original"):
            assert client.get(f"/api/v1/pictures/{id}/{kind}").status_code == 200
        refused = client.delete(f"/api/v1/pictures/{id}", headers={"Origin": ORIGIN})
        assert refused.status_code == 403
        assert "index --ray" in refused.json()["detail"]
        page = client.get("/")
        assert page.status_code == 200


def test_what_cannot_be_served_is_told(settings: Settings, shards_folder: Path, nodes: Any) -> None:
    mine = replace(settings, library=shards_folder)
    with pytest.raises(NoLibrary, match="dinoscope index --ray"), served(settings):
        pass
    with pytest.raises(BadRequest, match="3 shards cannot be served in 4 groups"), served(mine, groups=4):
        pass
    with pytest.raises(BadRequest, match="choose --model hues"), served(mine, load=Other):
        pass
