"""Turns an upright photo into the pixels that a backbone sees. The only place where this is done."""

from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class View:
    """One look at a photo: the middle part of it, scaled to a square."""

    share: float  # of each side that is kept, centred
    mirrored: bool = False


# One look at nearly everything and one at the middle, where the product stands: worth more than a larger
# input or a mirror image of the whole (docs/recognizer.md has the measurements).
WIDE_AND_TIGHT = (View(0.875), View(0.6, mirrored=True))


@dataclass(frozen=True)
class Preprocessing:
    """What happens to a photo before the backbone."""

    side: int  # pixels: each view is side x side
    views: tuple[View, ...] = WIDE_AND_TIGHT
    mean: float | tuple[float, ...] = 127.0  # of all channels, or of each
    scale: float | tuple[float, ...] = 128.0
    version: int = 1

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of one photo's pixels: (views, side, side, 3)."""
        return (len(self.views), self.side, self.side, 3)

    @property
    def decode_side(self) -> int:
        """The least shorter side, in pixels, a photo may be decoded at without losing detail."""
        return 2 * round(self.side / min(view.share for view in self.views))

    def as_json(self) -> dict:
        return {"resample": "bilinear", "layout": "VHWC", "dtype": "uint8", "channels": "RGB", **asdict(self)}


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
    left, top = (1 - view.share) / 2 * image.width, (1 - view.share) / 2 * image.height
    box = (left, top, image.width - left, image.height - top)
    cut = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=box))
    return cut[:, ::-1] if view.mirrored else cut
