"""Edits of what is where: cropped, turned, mirrored, seen from the side, covered. No corner is left empty.

As in ``toning`` each takes a strength, whose meaning in a person's units stands beside it.
"""

from __future__ import annotations

from math import cos, radians, sin, sqrt

import numpy as np
from PIL import Image, ImageOps

LEAST_CROP = 0.1  # of each side
MOST_TILT = 70  # degrees
MOST_COVERED = 0.9  # of the area
FAR = 1.6  # the camera's distance from a picture seen from the side, in its longer sides
COVER = (124, 116, 104)  # the mean colour of photographs (ImageNet's)


def crop_share(strength: float) -> float:
    """0 to 1 -> 1 to LEAST_CROP of each side."""
    return 1 - (1 - LEAST_CROP) * strength


def turn_degrees(strength: float) -> float:
    """-1 to 1 -> -180 to 180, clockwise."""
    return 180 * strength


def tilt_degrees(strength: float) -> float:
    """-1 to 1 -> -MOST_TILT to MOST_TILT: from the left, from the right."""
    return MOST_TILT * strength


def covered_share(strength: float) -> float:
    """0 to 1 -> 0 to MOST_COVERED of the area."""
    return MOST_COVERED * strength


def crop(image: Image.Image, strength: float) -> Image.Image:
    """The middle, ``crop_share`` of each side."""
    share = crop_share(strength)
    return _middle(image, share * image.width, share * image.height)


def rotation(image: Image.Image, strength: float) -> Image.Image:
    """Turned by ``turn_degrees``, and cut to the largest upright rectangle that is all picture."""
    degrees = turn_degrees(strength)
    turned = image.rotate(-degrees, Image.Resampling.BICUBIC, expand=True)
    if degrees % 90 == 0:
        return turned
    width, height = _largest_inside(image.width, image.height, radians(degrees))
    return _middle(turned, width - 2, height - 2)  # the outermost pixels are half empty


def mirror(image: Image.Image) -> Image.Image:
    """Left and right exchanged."""
    return ImageOps.mirror(image)


def perspective(image: Image.Image, strength: float) -> Image.Image:
    """As if it hung on a wall and were photographed from ``tilt_degrees`` to the side, FAR away.

    Turned about its upright middle line and projected; cut above and below to where the far edge ends.
    """
    angle = -radians(tilt_degrees(strength))  # from the right: the right edge is the near one
    long = max(image.size)
    half = np.array(image.size) / long / 2
    left, right = (FAR * x * cos(angle) / (FAR + x * sin(angle)) for x in (-half[0], half[0]))
    top = half[1] * FAR / (FAR + half[0] * abs(sin(angle)))
    width, height = max(1, round((right - left) * long)), max(1, round(2 * top * long))
    # from the new picture's pixels to its plane, by the pinhole back to the old one's, to its pixels
    onto_plane = np.array([[(right - left) / width, 0, left], [0, 2 * top / height, -top], [0, 0, 1]])
    pinhole = np.array([[FAR, 0, 0], [0, FAR * cos(angle), 0], [-sin(angle), 0, FAR * cos(angle)]])
    onto_pixels = np.array([[long, 0, image.width / 2], [0, long, image.height / 2], [0, 0, 1]])
    whole = onto_pixels @ pinhole @ onto_plane
    numbers = (whole / whole[2, 2]).ravel()[:8].tolist()
    return image.transform((width, height), Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BICUBIC)


def occlusion(image: Image.Image, strength: float, dice: np.random.Generator) -> Image.Image:
    """A plain rectangle of the picture's shape over ``covered_share``; larger ones hold the smaller."""
    share = sqrt(covered_share(strength))
    width, height = round(share * image.width), round(share * image.height)
    across, down = dice.uniform(size=2)
    left, top = round(across * (image.width - width)), round(down * (image.height - height))
    covered = image.copy()
    covered.paste(COVER, (left, top, left + width, top + height))
    return covered


def _middle(image: Image.Image, width: float, height: float) -> Image.Image:
    """The middle of a picture, at least a pixel of it."""
    wide, high = max(1, min(image.width, round(width))), max(1, min(image.height, round(height)))
    left, top = (image.width - wide) // 2, (image.height - high) // 2
    return image.crop((left, top, left + wide, top + high))


def _largest_inside(width: int, height: int, angle: float) -> tuple[float, float]:
    """Width and height of the largest upright rectangle inside a turned one."""
    long, short = max(width, height), min(width, height)
    sine, cosine = abs(sin(angle)), abs(cos(angle))
    if short <= 2 * sine * cosine * long or abs(sine - cosine) < 1e-9:  # two corners lie on the long sides
        half = short / 2
        return (half / sine, half / cosine) if width >= height else (half / cosine, half / sine)
    double = cosine**2 - sine**2
    return (width * cosine - height * sine) / double, (height * cosine - width * sine) / double
