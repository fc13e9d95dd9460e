from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from dinoscope.pictures.decoding import decode
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.metadata import Metadata, orientation_of, read_metadata

EXIF_IFD, GPS_IFD = 0x8769, 0x8825


def exif_of(main: dict[int, object], detail: dict[int, object], place: dict[int, object]) -> Image.Exif:
    exif = Image.Exif()
    exif.update(main)
    exif.get_ifd(EXIF_IFD).update(detail)
    exif.get_ifd(GPS_IFD).update(place)
    return exif


def test_the_facts_of_a_photo_survive_a_file(file_of: Callable[..., bytes], limits: Limits) -> None:
    exif = exif_of(
        {0x010F: "NIKON CORPORATION", 0x0110: "NIKON Z 6"},
        {0x9003: "2021:07:14 10:20:30", 0x9011: "+02:00", 0xA434: "NIKKOR Z 50mm"},
        {1: "S", 2: (33.0, 51.0, 36.0), 3: "E", 4: (151.0, 12.0, 0.0)},
    )
    data = file_of(Image.new("RGB", (8, 8)), "JPEG", exif=exif)
    facts = decode(data, limits, where="it").metadata
    assert facts.taken_at is not None
    assert facts.taken_at.utcoffset() == timedelta(hours=2)
    assert facts.taken_at.astimezone(UTC) == datetime(2021, 7, 14, 8, 20, 30, tzinfo=UTC)
    assert facts.camera == "NIKON Z 6"
    assert facts.lens == "NIKKOR Z 50mm"
    assert facts.latitude == pytest.approx(-33.86)
    assert facts.longitude == pytest.approx(151.2)


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS R5", "Canon EOS R5"),
        ("Apple", "iPhone 13", "Apple iPhone 13"),
        ("Apple", None, "Apple"),
        (None, "X100", "X100"),
        ("\0\0", "  ", None),
    ],
)
def test_the_make_is_not_repeated(make: str | None, model: str | None, camera: str | None) -> None:
    given = {0x010F: make, 0x0110: model}
    exif = exif_of({tag: text for tag, text in given.items() if text is not None}, {}, {})
    assert read_metadata(exif).camera == camera


@pytest.mark.parametrize(
    ("detail", "place"),
    [
        ({0x9003: "0000:00:00 00:00:00"}, {}),
        ({0x9003: "yesterday"}, {}),
        ({0x9003: b"\xff\xfe"}, {}),
        ({0x9003: 12}, {}),
        ({}, {1: "N", 2: (200.0, 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)}),
        ({}, {1: "N", 2: (float("nan"), 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)}),
        ({}, {1: "N", 2: (1.0,), 3: "E", 4: "far"}),
        ({}, {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)}),
    ],
)
def test_nonsense_is_absent_not_guessed(detail: dict[int, object], place: dict[int, object]) -> None:
    assert read_metadata(exif_of({}, detail, place)) == Metadata()


@pytest.mark.parametrize(("offset", "hours"), [("-03:30", -3.5), ("Z", 0), ("+99:99", None), ("soon", None)])
def test_an_impossible_offset_costs_no_date(offset: str, hours: float | None) -> None:
    taken = read_metadata(exif_of({}, {0x9003: "2021:07:14 10:20:30", 0x9011: offset}, {})).taken_at
    assert taken is not None
    assert taken.replace(tzinfo=None) == datetime(2021, 7, 14, 10, 20, 30)
    assert taken.utcoffset() == (None if hours is None else timedelta(hours=hours))


def test_a_place_without_its_hemisphere_is_no_place() -> None:
    place: dict[int, object] = {2: (33.0, 51.0, 36.0), 3: "E", 4: (151.0, 12.0, 0.0)}
    assert read_metadata(exif_of({}, {}, place)) == Metadata()


@pytest.mark.parametrize("value", [0, 9, -1, "six", None])
def test_an_orientation_beyond_the_standard_means_upright(value: object) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    assert orientation_of(exif) == 1
