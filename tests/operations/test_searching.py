"""What a search answers, against cosines computed by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.operations.conftest import Colours, Index, paint

from dinoscope.errors import BadRequest, NoSuchModel, NoSuchPicture, NotAPicture, Unreadable
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library
from dinoscope.operations.queries import PictureLike
from dinoscope.operations.searching import Yardstick, search
from dinoscope.operations.session import Session
from dinoscope.settings import Settings


@pytest.fixture
def indexed(index: Index, folder: Path) -> Path:
    index(folder)
    return folder


def id_of(library: Library, path: Path) -> int:
    picture = library.find(path)
    assert picture is not None
    return picture.id


def test_hits_are_all_pictures_by_cosine(session: Session, colours: Colours, indexed: Path) -> None:
    query = paint(indexed.parent / "query.png", 3)
    hits = session.search(query, k=12).hits
    vector = session.encode(query).descriptor
    expected = {path: float(session.encode(path).descriptor @ vector) for path in indexed.rglob("*.png")}
    assert [hit.picture.path for hit in hits] == sorted(expected, key=expected.__getitem__, reverse=True)
    for hit in hits:
        assert hit.score == pytest.approx(expected[hit.picture.path], abs=1e-3)  # stored as float16


def test_path_bytes_array_and_pil_ask_the_same(session: Session, indexed: Path) -> None:
    from PIL import Image

    path = indexed / "a" / "03.png"
    with Image.open(path) as image:
        asked: list[PictureLike] = [
            str(path),
            path,
            path.read_bytes(),
            np.asarray(image.convert("RGB")),
            image,
        ]
        answers = [[hit.picture.id for hit in session.search(one).hits] for one in asked]
    assert all(answer == answers[0] for answer in answers)


def test_an_id_leaves_itself_out_but_not_its_copies(
    session: Session, library: Library, index: Index, indexed: Path
) -> None:
    mine, copy = indexed / "a" / "03.png", indexed / "copy.png"
    shutil.copyfile(mine, copy)
    index(indexed)
    hits = session.search(id_of(library, mine)).hits
    assert hits[0].picture.path == copy
    assert hits[0].score == pytest.approx(1, abs=1e-3)
    assert mine not in [hit.picture.path for hit in hits]


def test_an_id_costs_no_encoding(session: Session, library: Library, colours: Colours, indexed: Path) -> None:
    before = colours.described
    answer = session.search_like(id_of(library, indexed / "a" / "03.png"))
    assert colours.described == before
    assert answer.encode_seconds == 0.0


def test_collapsing_shows_copies_as_one_hit(session: Session, index: Index, indexed: Path) -> None:
    for number in range(3):
        shutil.copyfile(indexed / "a" / "03.png", indexed / f"copy{number}.png")
    index(indexed)
    apart = session.search(indexed / "a" / "03.png", k=20)
    together = session.search(indexed / "a" / "03.png", k=20, collapse=True)
    assert (len(apart.hits), len(together.hits)) == (15, 12)
    assert len(together.hits[0].copies) == 3
    assert together.hits[0].picture.path == indexed / "a" / "03.png"


def test_k_counts_hits(session: Session, indexed: Path) -> None:
    assert len(session.search(indexed / "a" / "03.png", k=5).hits) == 5
    assert len(session.search(indexed / "a" / "03.png", k=500).hits) == 12


@pytest.mark.parametrize("k", [0, -1, 10_001])
def test_a_senseless_k_is_refused(session: Session, indexed: Path, k: int) -> None:
    with pytest.raises(BadRequest, match="choose 1 to"):
        session.search(indexed / "a" / "03.png", k=k)


def test_a_filter_restricts_the_search_itself(session: Session, indexed: Path) -> None:
    answer = session.search(indexed / "a" / "03.png", k=3, where=f'folder="{indexed / "b"}"')
    assert len(answer.hits) == 3
    assert {hit.picture.path.parent.name for hit in answer.hits} == {"b"}
    assert answer.searched == 6


def test_a_filter_nothing_passes_is_an_empty_answer(session: Session, indexed: Path) -> None:
    answer = session.search(indexed / "a" / "03.png", where=["kind=jpeg", "width>9000"])
    assert (answer.hits, answer.verdict.found, answer.searched) == ((), False, 0)


def test_several_likes_meet_in_the_middle(session: Session, indexed: Path) -> None:
    one, two = indexed / "a" / "00.png", indexed / "b" / "07.png"
    best = [hit.picture.path for hit in session.search(one, two, k=2).hits]
    assert set(best) == {one, two}


def test_unlike_pushes_away(session: Session, indexed: Path) -> None:
    one, two = indexed / "a" / "00.png", indexed / "b" / "07.png"

    def score(unlike: list[Path]) -> float:
        hits = session.search(one, unlike=unlike, k=12).hits
        return next(hit.score for hit in hits if hit.picture.path == two)

    assert score([two]) < score([]) - 0.2
    assert session.search(one, unlike=[two]).hits[0].picture.path == one


def test_liking_and_unliking_the_same_is_refused(session: Session, indexed: Path) -> None:
    one, two = indexed / "a" / "00.png", indexed / "b" / "07.png"
    vector = session.encode(one).descriptor
    with pytest.raises(BadRequest, match="cancel"):
        session.answer([vector, -vector])
    assert session.search(one, unlike=[one]).hits  # a weaker like is still a like
    assert session.search(one, unlike=[two]).hits


def test_nothing_liked_is_refused(session: Session, indexed: Path) -> None:
    with pytest.raises(BadRequest, match="at least one"):
        session.search()


def test_unknown_ids_and_bad_pictures_are_refused_by_name(session: Session, indexed: Path) -> None:
    with pytest.raises(NoSuchPicture):
        session.search(99_999)
    with pytest.raises(Unreadable, match=r"nowhere\.png does not exist"):
        session.search(indexed / "nowhere.png")
    with pytest.raises(NotAPicture):
        session.search(b"hello")
    with pytest.raises(BadRequest, match=r"\(3, 4, 2\) and type uint8"):
        session.search(np.zeros((3, 4, 2), np.uint8))


def test_an_empty_library_has_no_hits(session: Session, folder: Path) -> None:
    answer = session.search(folder / "a" / "00.png")
    assert (answer.hits, answer.verdict.found) == ((), False)
    assert "empty" in answer.verdict.sentence


def test_another_model_than_the_indexed_is_told(library: Library, settings: Settings, indexed: Path) -> None:
    with pytest.raises(NoSuchModel, match="other@"):
        Session(library, settings, Colours("other")).search(indexed / "a" / "00.png")


def test_percentiles_fall_with_the_score(session: Session, indexed: Path) -> None:
    hits = session.search(indexed / "a" / "03.png", k=12).hits
    percentiles = [hit.percentile for hit in hits]
    assert percentiles == sorted(percentiles, reverse=True)
    pairs = len(hits) * (len(hits) - 1) / 2  # of the whole library: they prove no more
    assert percentiles[0] == pytest.approx(100 * (1 - 1 / pairs))
    assert percentiles[-1] >= 100 / pairs - 1e-4


def test_the_yardstick_is_kept_until_the_library_grows(
    library: Library, colours: Colours, index: Index, indexed: Path
) -> None:
    yardstick = Yardstick()
    vector = colours.describe([np.zeros((8, 8, 3), np.uint8)])[0]
    search(library, colours, like=[vector], yardstick=yardstick)
    first = yardstick.cohort
    search(library, colours, like=[vector], yardstick=yardstick, where=parse_filter("kind=png"))
    assert yardstick.cohort is first
    paint(indexed / "new.png", 77)
    index(indexed)
    search(library, colours, like=[vector], yardstick=yardstick)
    assert yardstick.cohort is not None
    assert len(yardstick.cohort) == 13


def test_the_calibration_is_kept_in_the_library_and_renewed_when_it_grows(
    library: Library, colours: Colours, index: Index, indexed: Path
) -> None:
    key = colours.identity.key
    first = library.calibration(key)
    assert first is not None
    assert first["contents"] == 12
    paint(indexed / "13.png", 13)
    index(indexed)
    assert library.calibration(key) == first  # one in twelve is no reason
    for seed in range(20, 30):
        paint(indexed / f"{seed}.png", seed)
    index(indexed)
    renewed = library.calibration(key)
    assert renewed is not None
    assert renewed["contents"] == 23
