"""Edits of light, colour and sharpness; what is where in the picture stays.

Each takes a strength, -1 to 1 or 0 to 1, whose meaning in a person's units stands beside it and is what the
page and the tables show. Blur is a share of the shorter side: small and large pictures suffer alike.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

MOST_BLUR = 0.08  # standard deviation, of the shorter side: only the largest masses are left
MOST_NOISE = 128  # standard deviation, of 255 levels
BEST, WORST = 95, 1  # JPEG qualities


def factor(strength: float) -> float:
    """-1 to 1 -> 0.1 to 10, as brightness and contrast are felt: each step multiplies."""
    return float(10**strength)


def saturation_factor(strength: float) -> float:
    """-1 to 1 -> 0 (grey) to 5."""
    return 1 + strength if strength < 0 else 1 + 4 * strength


def hue_degrees(strength: float) -> float:
    """-1 to 1 -> -180 to 180."""
    return 180 * strength


def blur_share(strength: float) -> float:
    """0 to 1 -> 0 to MOST_BLUR; slowly at first, where most happens."""
    return MOST_BLUR * strength**2


def noise_levels(strength: float) -> float:
    """0 to 1 -> 0 to MOST_NOISE."""
    return MOST_NOISE * strength


def quality(strength: float) -> int:
    """0 to 1 -> BEST to WORST; most of what is seen happens below 20."""
    return round(WORST + (BEST - WORST) * (1 - strength) ** 2)


def brightness(image: Image.Image, strength: float) -> Image.Image:
    """Levels times ``factor``; what exceeds white is lost."""
    return ImageEnhance.Brightness(image).enhance(factor(strength))


def contrast(image: Image.Image, strength: float) -> Image.Image:
    """Distances from the mean grey times ``factor``."""
    return ImageEnhance.Contrast(image).enhance(factor(strength))


def saturation(image: Image.Image, strength: float) -> Image.Image:
    """Distances from grey times ``saturation_factor``."""
    return ImageEnhance.Color(image).enhance(saturation_factor(strength))


def hue(image: Image.Image, strength: float) -> Image.Image:
    """All colours turned on the colour circle by ``hue_degrees``."""
    turned = np.array(image.convert("HSV"))
    turned[..., 0] += np.uint8(round(256 * hue_degrees(strength) / 360) % 256)  # wraps, as a circle does
    return Image.fromarray(turned, "HSV").convert("RGB")


def grey(image: Image.Image) -> Image.Image:
    """Luminance only (Rec. 601)."""
    return ImageOps.grayscale(image).convert("RGB")


def blur(image: Image.Image, strength: float) -> Image.Image:
    """Gaussian, of ``blur_share``."""
    return image.filter(ImageFilter.GaussianBlur(blur_share(strength) * min(image.size)))


def noise(image: Image.Image, strength: float, dice: np.random.Generator) -> Image.Image:
    """Normal, of ``noise_levels``, for each pixel and channel by itself."""
    grain = dice.standard_normal((image.height, image.width, 3), np.float32) * np.float32(
        noise_levels(strength)
    )
    return Image.fromarray(np.rint(np.clip(np.asarray(image) + grain, 0, 255)).astype(np.uint8))


def jpeg(image: Image.Image, strength: float) -> Image.Image:
    """Compressed at ``quality`` and read again: blocks and false colours."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality(strength))
    return Image.open(buffer).convert("RGB")
