"""What a picture says of itself in its EXIF block."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from PIL.Image import Exif, Image

_T = TypeVar("_T")

# EXIF 2.32, tables 4, 7 and 15
_MAKE, _MODEL, _DATE_TIME, _ORIENTATION = 0x010F, 0x0110, 0x0132, 0x0112
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_ORIGINAL, _ORIGINAL_OFFSET, _LENS = 0x9003, 0x9011, 0xA434
_LATITUDE, _LONGITUDE = 2, 4  # each preceded by its reference, "N"/"S" or "E"/"W"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a picture says of itself. Absent facts are None, never guessed."""

    taken_at: datetime | None = None  # EXIF DateTimeOriginal (else DateTime), with its offset where given
    camera: str | None = None  # "Make Model", the make not repeated
    lens: str | None = None
    latitude: float | None = None  # degrees, north positive
    longitude: float | None = None  # degrees, east positive


def read_metadata(exif: Exif) -> Metadata:
    """The facts Dinoscope keeps. A malformed block gives fewer facts, never an error."""
    detail = _attempt(lambda: exif.get_ifd(_EXIF_IFD)) or {}
    place = _attempt(lambda: exif.get_ifd(_GPS_IFD)) or {}
    latitude = _attempt(lambda: _degrees(place, _LATITUDE, 90))
    longitude = _attempt(lambda: _degrees(place, _LONGITUDE, 180))
    if latitude is None or longitude is None or (latitude == 0 and longitude == 0):
        latitude = longitude = None  # 0, 0 is what cameras without a fix write
    return Metadata(
        taken_at=_attempt(lambda: _taken_at(exif, detail)),
        camera=_attempt(lambda: _camera(_text(exif.get(_MAKE)), _text(exif.get(_MODEL)))),
        lens=_attempt(lambda: _text(detail.get(_LENS))),
        latitude=latitude,
        longitude=longitude,
    )


def exif_of(image: Image) -> Exif:
    """The picture's EXIF block; an empty one where it is malformed, which is never the picture's end."""
    from PIL.Image import Exif

    return _attempt(image.getexif) or Exif()


def orientation_of(exif: Exif) -> int:
    """1 to 8 as EXIF defines them; 1 where the value is absent or nonsense."""
    value = _attempt(lambda: int(exif.get(_ORIENTATION, 1)))
    return value if value is not None and 1 <= value <= 8 else 1


def _attempt(read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  hostile EXIF raises whatever Pillow's and our parsing can raise
        return None


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    return re.sub(r"[\x00-\x1f\x7f\s]+", " ", value.split("\0")[0]).strip()[:200] or None


def _camera(make: str | None, model: str | None) -> str | None:
    if not make or not model:
        return model or make
    brand = make.split()[0].lower()
    return model if model.lower().startswith(brand) else f"{make} {model}"


def _taken_at(exif: Exif, detail: Mapping[int, Any]) -> datetime | None:
    text = _text(detail.get(_ORIGINAL)) or _text(exif.get(_DATE_TIME))
    if text is None:
        return None
    moment = datetime.strptime(text[:19].replace("-", ":", 2), "%Y:%m:%d %H:%M:%S")
    offset = _text(detail.get(_ORIGINAL_OFFSET))
    if offset and re.fullmatch(r"Z|[+-]\d\d:\d\d", offset):
        zone = _attempt(lambda: datetime.strptime(offset, "%z").tzinfo)  # an impossible one costs no date
        moment = moment.replace(tzinfo=zone)
    return moment


def _degrees(place: Mapping[int, Any], tag: int, limit: int) -> float | None:
    if tag not in place:
        return None
    degrees, minutes, seconds = (float(part) for part in place[tag])
    value = degrees + minutes / 60 + seconds / 3600
    sign = {"N": 1, "S": -1, "E": 1, "W": -1}.get((_text(place.get(tag - 1)) or "").upper())
    if sign is None:  # half of the Earth apart: not to be guessed
        return None
    value *= sign
    return value if math.isfinite(value) and abs(value) <= limit else None
