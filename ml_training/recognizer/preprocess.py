"""Turns an upright photo into the pixels that a backbone sees. The only place where this is done."""

from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class View:
    """One look at a photo: a window of it, scaled to a square."""

    share: float  # of each side that is kept
    mirrored: bool = False
    down: float = 0.0  # how far the window's centre is below the photo's, as a share of the height

    @property
    def is_inside(self) -> bool:
        """Whether there is a window, and the photo has all of it."""
        return 0 < self.share <= 1 and abs(self.down) <= (1 - self.share) / 2

    def as_json(self) -> dict:
        """Without `down` where it is 0, as views were written before there was one: ids depend on it."""
        return {name: value for name, value in asdict(self).items() if name != "down" or value}


# One look at nearly everything and three at the middle, where the product stands, two of them at its upper
# and its lower part. docs/research/features-and-head.md has the measurements.
FOUR_LOOKS = (
    View(0.875),
    View(0.6, mirrored=True),
    View(0.45, mirrored=True, down=-0.2),
    View(0.45, mirrored=True, down=0.2),
)
WIDE_AND_TIGHT = FOUR_LOOKS[:2]  # what version 1 looked at, and backbones of one's own do by default


@dataclass(frozen=True)
class Preprocessing:
    """What happens to a photo before the backbone."""

    side: int  # pixels: each view is side x side
    views: tuple[View, ...] = FOUR_LOOKS
    mean: float | tuple[float, ...] = 127.0  # of all channels, or of each
    scale: float | tuple[float, ...] = 128.0
    version: int = 2

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of one photo's pixels: (views, side, side, 3)."""
        return (len(self.views), self.side, self.side, 3)

    @property
    def decode_side(self) -> int:
        """The least shorter side, in pixels, a photo may be decoded at without losing detail."""
        return 2 * round(self.side / min(view.share for view in self.views))

    def as_json(self) -> dict:
        about = {"resample": "bilinear", "layout": "VHWC", "dtype": "uint8", "channels": "RGB"}
        return about | asdict(self) | {"views": [view.as_json() for view in self.views]}


def preprocessing_from_json(data: dict) -> Preprocessing:
    """Read what `Preprocessing.as_json` wrote."""
    views = tuple(View(**view) for view in data["views"])
    mean, scale = (tuple(v) if isinstance(v, list) else v for v in (data["mean"], data["scale"]))
    return Preprocessing(data["side"], views, mean, scale, data["version"])


def to_pixels(image: Image.Image, preprocessing: Preprocessing) -> np.ndarray:
    """Cut and scale one photo's views.

    Args:
        image: RGB, upright.
    Returns:
        (V, side, side, 3) uint8.
    """
    pixels = np.empty(preprocessing.shape, np.uint8)
    for number, view in enumerate(preprocessing.views):
        pixels[number] = _cut(image, view, preprocessing.side)
    return pixels


def _cut(image: Image.Image, view: View, side: int) -> np.ndarray:
    margin = (1 - view.share) / 2
    left, top = margin * image.width, (margin + view.down) * image.height
    box = (left, top, image.width - left, image.height - (margin - view.down) * image.height)
    cut = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=box))
    return cut[:, ::-1] if view.mirrored else cut
