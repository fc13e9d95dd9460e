"""A library in shards says exactly what one library with the same pictures says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from tests.hues import Hues

from dinoscope.cluster import sharded_views
from dinoscope.cluster.asking import LocalShards, Questions
from dinoscope.cluster.borrowing import Borrowed
from dinoscope.cluster.manifest import Manifest, demand_shard
from dinoscope.cluster.sharded_library import ShardedLibrary
from dinoscope.cluster.sharded_shelf import ShardedShelf
from dinoscope.cluster.sharded_views import ShardedTokens, ShardedVectors
from dinoscope.errors import LibraryBusy, LibraryReadOnly, NoSuchModel, NoSuchPicture, ShardSilent
from dinoscope.geometry import Box
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library
from dinoscope.library.pages import Order
from dinoscope.library.records import Picture
from dinoscope.library.shelves import Shelf
from dinoscope.library.token_views import TokenView
from dinoscope.library.vector_views import VectorView
from dinoscope.operations import mapping
from dinoscope.operations.answers import Answer
from dinoscope.operations.mapping import lay_out
from dinoscope.operations.region_answers import RegionAnswer
from dinoscope.operations.session import Session
from dinoscope.server.mapping import Maps
from dinoscope.settings import Settings

from .conftest import PICTURES, SHARDS, split


def scored(answer: Answer | RegionAnswer) -> list[tuple[float, str]]:
    """(score, path), those of equal score by path: which of them comes first is left open."""
    return sorted(
        ((hit.score, str(hit.picture.path)) for hit in answer.hits), key=lambda one: (-one[0], one[1])
    )


def test_search_gives_the_same_pictures_scores_and_verdict(
    one: Session, many: Session, painted: Path
) -> None:
    for name in ("a/001.png", "b/010.png", "b/024.png"):
        # all of them, so that no tie is cut in two
        here, there = (session.search(painted / name, k=100) for session in (one, many))
        assert scored(there) == scored(here)
        assert len(here.hits) == PICTURES + PICTURES // 10
        assert (there.searched, there.engine, there.note, there.silent) == (here.searched, "exact", None, 0)
        assert there.verdict.found == here.verdict.found
        assert there.verdict.chance == pytest.approx(here.verdict.chance, abs=1e-4)
        assert [hit.percentile for hit in there.hits] == pytest.approx(
            [hit.percentile for hit in here.hits], abs=1e-3
        )


def test_fewer_hits_are_the_best_of_all(one: Session, many: Session, painted: Path) -> None:
    here, there = (session.search(painted / "a/003.png", k=7) for session in (one, many))
    assert [hit.score for hit in there.hits] == [hit.score for hit in here.hits]


@pytest.mark.parametrize("where", ["folder='FOLDER'", "name~copy", "width=96 and bytes<1MB"])
def test_a_filter_restricts_every_shard(one: Session, many: Session, painted: Path, where: str) -> None:
    text = where.replace("FOLDER", str(painted / "b"))
    here, there = (session.search(painted / "a/003.png", k=100, where=text) for session in (one, many))
    assert here.hits
    assert scored(there) == scored(here)
    assert there.searched == here.searched


def test_a_picture_of_the_library_finds_its_like_and_its_copy_but_not_itself(
    one: Session, many: Session
) -> None:
    path = next(hit.path for hit in one.library.page(limit=1).pictures)
    here, there = session_hits(one, path), session_hits(many, path)
    assert here == there
    assert str(path) not in [name for _, name in there]


def session_hits(session: Session, path: Path) -> list[tuple[float, str]]:
    known = session.library.find(path)
    assert known is not None
    return scored(session.search_like(known.id, k=100))


@pytest.mark.parametrize("also", [0.0, 0.5])
def test_a_part_is_found_in_the_same_places(one: Session, many: Session, painted: Path, also: float) -> None:
    part = Box(0, 0, 32, 32)
    here, there = (
        session.search_region(painted / "a/003.png", part, k=20, also=also) for session in (one, many)
    )
    assert scored(there) == scored(here)
    assert (there.searched, there.missing, there.engine, there.exact) == (
        here.searched,
        here.missing,
        here.engine,
        here.exact,
    )
    places = {hit.picture.path: hit.places for hit in here.hits}
    assert {hit.picture.path: hit.places for hit in there.hits} == places


def test_distances_and_the_map_are_those_of_one_library(one: Session, many: Session, painted: Path) -> None:
    names = [painted / "a/003.png", painted / "b/010.png"]
    assert many.distances(*names).cosines == pytest.approx(one.distances(*names).cosines)
    maps = []
    for session in (one, many):
        *_, last = lay_out(session.library, Hues.identity.key, again=True, method="pca")
        assert last.map is not None
        maps.append(last.map)
    assert len(maps[0].pictures) == len(maps[1].pictures) == PICTURES


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order", ["added", "taken", "path", "size"])
def test_pages_neither_overlap_nor_skip(one: Session, many: Session, order: Order, descending: bool) -> None:
    def walked(library: Library) -> list[Picture]:
        found: list[Picture] = []
        after = None
        while True:
            page = library.page(after=after, limit=7, order=order, descending=descending)
            assert page.total == PICTURES + PICTURES // 10
            found += page.pictures
            after = page.next
            if after is None:
                return found

    here, there = walked(one.library), walked(many.library)
    assert sorted(picture.path for picture in there) == sorted(picture.path for picture in here)
    if order == "path":
        assert [picture.path for picture in there] == [picture.path for picture in here]
    if order == "size":
        assert [picture.bytes for picture in there] == [picture.bytes for picture in here]


def test_what_there_is_adds_up(one: Session, many: Session) -> None:
    here, there = one.library.info(), many.library.info()
    assert (there.pictures, there.contents, there.roots) == (here.pictures, here.contents, here.roots)
    assert there.shelves[0].vectors == here.shelves[0].vectors
    assert there.shelves[0].regions == here.shelves[0].regions
    assert many.library.facets() == one.library.facets()
    assert many.library.folders() == one.library.folders()
    assert many.library.models() == one.library.models()


def test_ids_are_unique_lead_back_and_fit_a_browser(many: Session) -> None:
    pictures = many.library.page(limit=1000).pictures
    ids = [picture.id for picture in pictures]
    assert max(Counter(ids).values()) == 1
    assert max(ids) < 2**53
    assert many.library.pictures(ids) == list(pictures)
    copied = next(picture for picture in pictures if picture.path.name == "copy of 010.png")
    assert [copy.path.name for copy in many.library.copies_of(copied.id)] == ["010.png"]
    for wrong in (2**52, 4095, ids[0] + SHARDS):
        with pytest.raises(NoSuchPicture):
            many.library.picture(wrong)


def test_a_model_that_saw_nothing_is_named(many: Session) -> None:
    with pytest.raises(NoSuchModel, match="choose --model hues"):
        many.library.shelf("another")


@pytest.mark.parametrize(
    ("whole", "sharded"),
    [
        (Library, ShardedLibrary),
        (Shelf, ShardedShelf),
        (TokenView, ShardedTokens),
        (VectorView, ShardedVectors),
    ],
)
def test_nothing_falls_through_to_files_that_are_not_there(whole: type, sharded: type) -> None:
    """Every public name is answered by the shards, or made of names that are."""
    built_on_others = {"open", "folder", "picture", "copies_of"}
    names = {name for name in vars(whole) if not name.startswith("_")} - built_on_others
    assert names - vars(sharded).keys() == set()


def test_writing_is_refused_with_a_sentence(many: Session) -> None:
    for name in ("remove", "optimise", "compact"):
        with pytest.raises(LibraryReadOnly, match="dinoscope index --ray"):
            getattr(many.library, name)()
    with pytest.raises(LibraryReadOnly):
        many.library.prune(Path("/"), [])


class Silent(LocalShards):
    """Some shards do not answer."""

    def __init__(self, root: Path, manifest: Manifest, silent: set[int]) -> None:
        super().__init__(root, manifest)
        self.without = silent

    def ask(self, verb: str, questions: Questions) -> Mapping[int, Any]:
        return {at: one for at, one in super().ask(verb, questions).items() if at not in self.without}


def lamed(many: Session, silent: set[int]) -> Session:
    root = many.library.folder
    manifest = Manifest.read(root)
    return Session(ShardedLibrary(root, manifest, Silent(root, manifest, silent)), many.settings, Hues())


def test_an_answer_without_a_shard_says_so_and_is_right_about_the_others(
    many: Session, painted: Path
) -> None:
    whole = many.search(painted / "a/003.png", k=100)
    lost = {hit.picture.path for hit in whole.hits if hit.picture.id % 4096 == 1}
    assert lost
    lame = lamed(many, {1})
    answer = lame.search(painted / "a/003.png", k=100)
    assert answer.silent == 1
    assert answer.note is not None
    assert "1 of 3 shards did not answer" in answer.note
    rest = [hit for hit in scored(whole) if Path(hit[1]) not in lost]
    assert scored(answer) == rest
    part = lame.search_region(painted / "a/003.png", Box(0, 0, 32, 32), k=100)
    assert (part.silent, part.note) == (1, answer.note)
    assert part.hits
    assert not lost & {hit.picture.path for hit in part.hits}
    page = lame.library.page(limit=100)
    assert page.note == answer.note
    assert not lost & {picture.path for picture in page.pictures}
    assert many.library.page(limit=100).note is None
    facets, info = lame.library.facets(), lame.library.info()
    assert facets.note == info.note == answer.note
    counted = dict(facets.kinds)["png"]
    assert counted == info.pictures == len(page.pictures)
    assert (many.library.facets().note, many.library.info().note) == (None, None)
    # another request asks it again
    lame.library._shards.without.clear()  # type: ignore[attr-defined]
    again = lame.search(painted / "a/003.png", k=100)
    assert (again.note, scored(again)) == (None, scored(whole))


def test_a_map_without_a_shard_says_so_and_is_made_whole_when_it_is_back(
    many: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping, "best_method", lambda: "pca")  # importing PaCMAP takes seconds
    lame = lamed(many, {1})
    maps = Maps(lame)
    part = maps.start(again=True, patience=30)
    assert (part.state, part.pictures) == ("ready", lame.library.shelf(Hues.identity.key).count)
    assert "1 of 3 shards did not answer" in str(part.note)
    lame.library._shards.without.clear()  # type: ignore[attr-defined]
    assert maps.state().state == "none"
    whole = maps.start(again=False, patience=30)
    assert (whole.state, whole.pictures, whole.note) == ("ready", PICTURES, None)


def test_what_only_a_silent_shard_knows_is_refused_with_its_name(many: Session) -> None:
    lame = lamed(many, {1})
    gone = next(one for one in many.library.page(limit=100).pictures if one.id % 4096 == 1)
    with pytest.raises(ShardSilent, match="shard 2 of 3"):
        lame.library.picture(gone.id)
    with pytest.raises(ShardSilent, match="none of the 3 shards"):
        lamed(many, {0, 1, 2}).library.count()
    with pytest.raises(ShardSilent, match="none of the 3 shards"):  # no empty listing: there are pictures
        lamed(many, {0, 1, 2}).library.page(limit=10)


def test_an_original_is_lent_where_it_is_not_on_this_machine(
    many: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = many.library.page(limit=1).pictures[0]
    elsewhere = replace(picture, path=Path("/elsewhere") / picture.path.name)
    from dinoscope.pictures.limits import Limits

    limits = Limits.of(many.settings)
    lent = many.library.original(elsewhere, limits)
    assert lent != picture.path
    assert lent.read_bytes() == picture.path.read_bytes()
    assert many.library.original(elsewhere, limits) == lent
    many.library.close()
    assert not lent.exists()


def test_an_original_is_lent_to_all_who_ask_for_it_at_once(many: Session) -> None:
    picture = replace(many.library.page(limit=1).pictures[0], path=Path("/elsewhere/a.png"))
    askers, borrowed = 4, Borrowed()
    together = Barrier(askers)

    def fetch() -> bytes:
        together.wait(10)
        return b"x" * 2_000_000

    with ThreadPoolExecutor(askers) as pool:
        lent = list(pool.map(lambda _: borrowed.file(picture, fetch), range(askers)))
    assert {path.stat().st_size for path in lent} == {2_000_000}
    borrowed.close()


@pytest.mark.parametrize("n", [1, 7, 40, 500, 5000])
def test_the_nearest_tokens_are_those_of_one_library_however_they_lie(
    one: Session, many: Session, painted: Path, n: int
) -> None:
    model = Hues.identity.key
    seen = one.encode(painted / "a/003.png")
    with one.library.shelf(model).tokens() as here, many.library.shelf(model).tokens() as there:
        queries = here.basis.reduced(seen.patches.reshape(-1, seen.patches.shape[-1]))[::9]
        rows, _, scores = here.nearby(queries, n)
        other_rows, _, other_scores = there.nearby(queries, n)
        width = min(scores.shape[1], other_scores.shape[1])
        np.testing.assert_array_equal(other_scores[:, :width], scores[:, :width])
        assert (other_scores[:, width:] == -np.inf).all()
        # where no tie is cut, they are of the same pictures
        line = np.flatnonzero(rows[0] >= 0)
        cut = float(scores[0, line[-1]])
        sure = [place for place in line if scores[0, place] > cut]
        names = set(here.contents(rows[0, sure])) if sure else set()
        others = [place for place in range(width) if other_scores[0, place] > cut]
        assert (set(there.contents(other_rows[0, others])) if others else set()) == names


def test_a_shard_with_all_the_best_is_asked_for_them(many: Session, painted: Path) -> None:
    """Shares are guessed; an unlucky guess costs a second question and no hit."""
    model = Hues.identity.key
    seen = many.encode(painted / "a/003.png")
    with many.library.shelf(model).tokens() as view:
        queries = view.basis.reduced(seen.patches.reshape(-1, seen.patches.shape[-1]))[:3]
        whole = view.nearby(queries, 200)
    asked: list[int] = []

    class Counting(LocalShards):
        def ask(self, verb: str, questions: Questions) -> Mapping[int, Any]:
            if verb == "nearby":
                asked.extend(given[2] for given in questions.values())
            return super().ask(verb, questions)

    root = many.library.folder
    manifest = Manifest.read(root)
    shelf = ShardedLibrary(root, manifest, Counting(root, manifest)).shelf(model)
    sharded_views.SPARE, sharded_views.SOME, spare, some = 0, 1, sharded_views.SPARE, sharded_views.SOME
    try:
        with shelf.tokens() as view:
            again = view.nearby(queries, 200)
    finally:
        sharded_views.SPARE, sharded_views.SOME = spare, some
    assert asked == [1, 1, 1, 200, 200, 200]
    np.testing.assert_array_equal(again[2], whole[2])


def test_a_sample_of_all_shards_is_as_fair_as_one_librarys(many: Session) -> None:
    shelf = many.library.shelf(Hues.identity.key)
    assert len(shelf.sample(1000)) == shelf.count == PICTURES
    some = shelf.sample(20, seed=3)
    assert np.array_equal(some, shelf.sample(20, seed=3))
    assert len({row.tobytes() for row in some}) == 20


def test_filters_reach_counts(many: Session, one: Session) -> None:
    where = parse_filter("name~copy")
    assert many.library.count(where) == one.library.count(where) == PICTURES // 10


def test_rows_that_a_compaction_renumbered_are_refused_not_mistaken(
    one_folder: Path, settings: Settings
) -> None:
    with Library.open(one_folder) as one:
        manifest = split(one, settings.library)
    shards = LocalShards(settings.library, manifest)
    shelf = ShardedLibrary(settings.library, manifest, shards).shelf(Hues.identity.key)
    folder = demand_shard(settings.library, manifest, 1)
    with shelf.tokens() as view, shelf.vectors() as vectors:
        rows = vectors.points().rows
        with Library.open(folder, write=True) as shard:
            shard.remove(ids=[shard.page(limit=1).pictures[0].id])
            shard.compact()
        with pytest.raises(LibraryBusy, match="ask again"):
            view.nearby(np.eye(1, view.basis.dimension, dtype=np.float32), 5)
        with pytest.raises(LibraryBusy, match="ask again"):
            vectors.read(rows)
    shards.close()


def test_copies_are_the_same_ones(one: Session, many: Session) -> None:
    def sets(session: Session) -> list[set[str]]:
        with session.copies() as copies:
            for _ in copies.look():
                pass
            assert copies.coverage().unchecked == 0
            report = copies.report(at_least=1.0)  # below, pictures of few colours pass for one another
        return sorted(
            ({str(member.picture.path) for member in group.members} for group in report.groups),
            key=sorted,
        )

    there = sets(many)
    assert there == sets(one)
    assert len(there) == PICTURES // 10, "the files of equal bytes, each in one shard"


def test_nothing_is_moved_to_the_trash_of_shards(many: Session) -> None:
    first = many.library.page(limit=1).pictures[0]
    with many.copies() as copies, pytest.raises(LibraryReadOnly, match="in shards"):
        copies.trash([first.id])
    assert first.path.is_file()
