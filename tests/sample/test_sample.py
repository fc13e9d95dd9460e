from __future__ import annotations

import re

import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base

from dinoscope.sample import FOLDER, PICTURES, details, samples

FREE = re.compile(r"PD|CC0-1\.0|CC-BY(-SA)?-\d\.\d")
ATTRIBUTION = (FOLDER / "ATTRIBUTION.md").read_text("utf-8")


def test_every_picture_is_labelled_and_every_label_has_its_picture() -> None:
    assert {sample.path for sample in samples()} == set(PICTURES.rglob("*.webp"))
    assert {detail.path for detail in details()} == set((FOLDER / "details").glob("*.webp"))


def test_every_picture_is_credited_under_a_free_licence() -> None:
    credits = re.findall(r"^- `([^`]+)`: (.+)\. ([A-Z0-9.-]+)\. (.+)$", ATTRIBUTION, re.MULTILINE)
    names = [sample.path.relative_to(PICTURES).as_posix() for sample in samples()]
    names += [detail.path.name for detail in details()]
    assert sorted(file for file, *_ in credits) == sorted(names)
    assert all(author and FREE.fullmatch(licence) and source for _, author, licence, source in credits)


def test_every_licence_named_is_linked() -> None:
    used = set(re.findall(r"\. (CC[0A-Z-]*-\d\.\d)\. ", ATTRIBUTION))
    assert used
    assert used == set(re.findall(r"^- (CC[0A-Z-]*-\d\.\d): https://", ATTRIBUTION, re.MULTILINE))


def test_every_file_is_a_small_picture() -> None:
    for sample in samples():
        with Image.open(sample.path) as picture:
            assert picture.format == "WEBP"
            assert 100 <= max(picture.size) <= 1024
            picture.load()


def test_exif_says_when_and_with_what_but_where_only_of_monuments() -> None:
    kept = {Base.Make, Base.Model, IFD.Exif, IFD.GPSInfo}
    cameras = set()
    for sample in samples():
        with Image.open(sample.path) as picture:
            exif = picture.getexif()
        assert set(exif) <= kept, sample.path
        assert sample.group == "monuments" or not exif.get_ifd(IFD.GPSInfo), sample.path
        cameras.add(exif.get(Base.Model))
    assert len(cameras) > 10


def test_the_whole_sample_stays_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*.webp")) <= 14 * 2**20


@pytest.mark.parametrize("label", ["windmill", "fish", "hammer", "taj_mahal", "eiffel_tower"])
def test_some_things_are_there_more_than_once(label: str) -> None:
    """A search for one of them has something to find."""
    assert sum(sample.label == label for sample in samples()) >= 2


def test_a_detail_lies_in_its_source() -> None:
    for detail in details():
        assert detail.source.is_file()
        assert all(0 < part < 1 for part in detail.centre)
