"""A small piece of another picture is proposed by points: turned, mirrored, once and for all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from tests.operations.conftest import Colours, sample_picture

from dinoscope.library.copybook import FILE, CopyBook
from dinoscope.library.library import Library
from dinoscope.operations import copy_index
from dinoscope.operations.copy_pasted import PointIndex
from dinoscope.operations.copy_points import ASKED, LISTED, MIRRORED, POINT, Points, coded
from dinoscope.operations.copying import Copies
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.session import Session
from dinoscope.pictures.keypoints import Keypoints, grey_of, keypoints
from dinoscope.sample import PICTURES
from dinoscope.settings import Settings

SOURCES = (
    *(f"monuments/{name}" for name in ("berlin_cathedral", "india_gate", "mount_rushmore-02", "notre_dame")),
    *(f"animals/{name}" for name in ("cat", "cow", "jaguar", "duck")),
)
BACK = "fishes/fish-01"


@cache
def opened(name: str) -> Image.Image:
    return sample_picture(name, 320)


def points_of(image: Image.Image) -> Keypoints:
    return keypoints(grey_of(np.asarray(image)), ASKED)


def pasted(image: Image.Image, share: float = 0.5) -> Image.Image:
    back = opened(BACK).resize((320, 240))
    image = image.copy()
    image.thumbnail((round(320 * share), round(240 * share)))
    back.paste(image, (90, 40))
    return back


@pytest.fixture(scope="module")
def index() -> PointIndex:
    """Of forty pictures of the sample, the sources first."""
    others = sorted(path.relative_to(PICTURES) for path in PICTURES.rglob("*.webp"))
    names = [str(path.with_suffix("")) for path in others[::6]][:40]
    known = [*SOURCES, *(name for name in names if name not in {*SOURCES, BACK})]
    return PointIndex(enumerate(coded(points_of(opened(name))) for name in known), len(known))


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda image: image,
    "mirrored": ImageOps.mirror,
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "grey": lambda image: image.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_who_is_pasted_into_another_is_proposed_and_hardly_any_other(edit: str, index: PointIndex) -> None:
    asked = [
        (1000 + n, coded(points_of(pasted(EDITS[edit](opened(name)))))) for n, name in enumerate(SOURCES)
    ]
    found = index.proposed(asked)
    right = [(1000 + n, n) for n in range(len(asked))]
    assert sum(pair in found for pair in right) >= len(right) - 1
    assert sum(pair not in right for pair in found) <= 2, "of more than 300"


def test_a_mirror_changes_no_code() -> None:
    points = points_of(opened(BACK))
    plain, mirror = coded(points), coded(points.mirrored())
    same = plain["code"] == mirror["code"]
    assert same.mean() > 0.98
    turned = (plain["scale"] ^ mirror["scale"]) == MIRRORED
    assert turned[same].mean() > 0.98


def test_the_codes_of_a_smaller_picture_differ_by_few_bits() -> None:
    """Codes that told nothing would differ by 32 of 64 bits on average."""
    large, small = (
        opened(BACK),
        opened(BACK).resize((int(opened(BACK).width * 0.6), int(opened(BACK).height * 0.6))),
    )
    here, there = coded(points_of(large)), coded(points_of(small))
    differing = np.bitwise_count(here["code"][:, None] ^ there["code"][None])
    near = (np.abs(here["x"][:, None].astype(int) - there["x"]) < 3) & (
        np.abs(here["y"][:, None].astype(int) - there["y"]) < 3
    )
    close = np.where(near, differing, 64).min(axis=1)
    assert np.median(close[close < 64]) <= 12


def made(places: list[tuple[int, int]], *, first: int = 1, scale: int = 64) -> Points:
    """Points whose codes are told apart by far more bits than counterparts differ by."""
    points = np.zeros(len(places), POINT)
    dice = np.random.default_rng(first)
    points["code"] = dice.integers(0, 1 << 63, len(places), dtype=np.uint64)
    points["x"], points["y"] = np.asarray(places).T
    points["scale"], points["weak"] = scale, 0x3210
    return points


PLACES = [(20, 20), (120, 30), (40, 150), (200, 90)]


def test_points_agree_only_where_one_map_brings_all_to_their_places() -> None:
    there = made(PLACES)
    halved = [(10 + x // 2, 60 + y // 2) for x, y in PLACES]
    index = PointIndex([(0, there)], 1)
    small = made(halved, scale=64 - 8)  # a pixel is half as many units
    assert index.proposed([(1, made(halved, scale=64 + 8))]) == {}, "the places say half, the points twice"
    assert index.proposed([(1, small)]) == {(1, 0): 4}
    astray = small.copy()
    astray["x"][:2] = astray["x"][:2][::-1]
    astray["y"][0] = 200
    assert index.proposed([(1, astray)]) == {}
    assert index.proposed([(0, small)]) == {}, "no picture is proposed to itself"


def test_points_at_one_place_are_one_vote() -> None:
    index = PointIndex([(0, made([(50, 50)] * 3 + [(150, 50)]))], 1)
    assert index.proposed([(1, made([(50, 50)] * 3 + [(150, 50)]))]) == {}


@pytest.fixture
def copies(tmp_path: Path, library: Library, colours: Colours, settings: Settings) -> Iterator[Copies]:
    """Where nothing but points proposes."""
    album = tmp_path / "album"
    album.mkdir()
    for name in [*SOURCES[:3], BACK]:
        opened(name).save(album / f"{Path(name).name}.png")
    pasted(opened(SOURCES[0]), 0.45).save(album / "pasted.jpg", quality=90)
    list(index_folders([album], library, colours, settings))
    with Session(library, settings, colours) as session, session.copies() as found:
        yield found


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """No library is few pictures, and none is near by descriptors or fingerprints."""
    for module in ("copies", "copy_proposals"):
        monkeypatch.setattr(f"dinoscope.operations.{module}.FEW", 0)
    for name in ("NEAR", "NEAR_PIECE", "SURELY"):
        monkeypatch.setattr(f"dinoscope.operations.copy_proposals.{name}", 9.0)
    monkeypatch.setattr("dinoscope.operations.copy_proposals.ALIKE", -1)


def together(copies: Copies) -> list[set[str]]:
    return [{one.picture.path.stem for one in group.members} for group in copies.report().groups]


def test_the_library_finds_what_is_pasted_into_another(
    copies: Copies, blind: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(PointIndex, "proposed", lambda *_: {})
        list(copies.look())
        assert together(copies) == [], "or this test says nothing"
    copies.again()
    list(copies.look())
    (group,) = together(copies)
    assert {"pasted", Path(SOURCES[0]).name} <= group


def test_points_are_made_once_and_kept_small(  # noqa: PLR0917
    copies: Copies, library: Library, colours: Colours, settings: Settings, tmp_path: Path,
    blind: None, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    made_of: list[int] = []

    def counted(points: Keypoints) -> Points:
        made_of.append(len(points))
        return coded(points)

    monkeypatch.setattr(copy_index, "coded", counted)
    steps = copies.look()
    assert next(steps).stage == "Fingerprints"
    steps.close()  # type: ignore[attr-defined]  # as if killed: the points were kept before
    pictures = 5
    assert len(made_of) == pictures
    list(copies.look())
    assert len(made_of) == pictures, "after the stop nothing was made again"
    kept = copies._book.read("SELECT length(found), whole FROM points")
    assert [whole for _, whole in kept] == [0] * pictures
    assert max(size for size, _ in kept) == LISTED * POINT.itemsize
    pasted(opened(SOURCES[1])).save(tmp_path / "album" / "later.jpg", quality=90)
    list(index_folders([tmp_path / "album"], library, colours, settings))
    list(copies.look())
    assert len(made_of) == pictures + 1
    assert any({"later", Path(SOURCES[1]).name} <= group for group in together(copies))


def test_what_an_older_version_kept_is_kept(tmp_path: Path) -> None:
    with CopyBook(tmp_path) as book:
        book.mark([("a", "b")])
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("DROP TABLE points")
        db.execute("PRAGMA user_version = 1")
    with CopyBook(tmp_path) as book:
        book.put_points({"a": b"12345", "b": b"123"})
        book.trim_points(["a"], 2)
        assert book.points(["a", "b", "c"]) == {"a": b"12", "b": b"123"}
        assert book.pointed() == {"b"}
        assert book.marks() == {("a", "b")}
