"""Measures whether a photo can teach anything: is it sharp, is it bright, does the product fill it?

Embedding measures it while the pixels are at hand, and the list of suspect photos puts the
faults into words. docs/advice.md says how the limits were chosen and how often they are wrong.
"""

from dataclasses import dataclass

import numpy as np

MIN_SHARPNESS = 0.52
MIN_BRIGHTNESS = 100.0
MIN_EXTENT = 0.19
TILE = 16  # pixels
# Faults of a photo; the names are part of the API.
BLURRED = "blurred"
DARK = "dark"
SMALL = "small"
GREY = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Quality:
    """Facts of one photo, seen at the size that the backbone sees."""

    sharpness: float  # rms of the second differences over that of the slopes; does not depend on contrast
    brightness: float  # of the brightest parts, 0 to 255: the 98th percentile
    extent: float  # how far details lie from their centre, as a share of the side; 0.41 fills the photo

    def faults(self) -> list[str]:
        """What is wrong, the worst first. In the dark nothing else can be judged."""
        if self.brightness < MIN_BRIGHTNESS:
            return [DARK]
        small = [SMALL] if self.extent < MIN_EXTENT else []
        return small + ([BLURRED] if self.sharpness < MIN_SHARPNESS else [])


def measure_quality(pixels: np.ndarray) -> Quality:
    """Measure a photo by the first, widest of its views.

    Args:
        pixels: (V, side, side, 3) uint8, as the backbone sees them.
    """
    grey = pixels[0].astype(np.float32) @ GREY  # (side, side)
    across = (grey[1:-1, 2:] - grey[1:-1, :-2]) / 2
    down = (grey[2:, 1:-1] - grey[:-2, 1:-1]) / 2
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    slopes = across**2 + down**2  # (side - 2, side - 2)
    steep = float(np.sqrt(slopes.mean()))
    bends = float(np.sqrt(((4 * grey[1:-1, 1:-1] - around) ** 2).mean()))
    return Quality(
        sharpness=round(bends / (steep + 0.5), 4),  # 0.5: the noise of a plain wall is no detail
        brightness=round(float(np.quantile(grey, 0.98)), 1),
        extent=round(_extent(slopes), 4),
    )


def _extent(slopes: np.ndarray) -> float:
    """Root mean square distance of detail from its centre, each tile weighing what it has of it."""
    tiles = slopes.shape[0] // TILE
    side = tiles * TILE
    detail = slopes[:side, :side].reshape(tiles, TILE, tiles, TILE).mean(axis=(1, 3))  # (tiles, tiles)
    total = detail.sum()
    if total < 1e-3:
        return 0.0
    weights, places = detail / total, np.arange(tiles)
    spread = 0.0
    for marginal in (weights.sum(axis=0), weights.sum(axis=1)):
        centre = (marginal * places).sum()
        spread += (marginal * (places - centre) ** 2).sum()
    return float(np.sqrt(spread)) / tiles
