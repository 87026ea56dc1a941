"""Turns an upright photo into the pixels that a backbone sees. The only place where this is done.

Called by training, serving and benchmarks; `model.json` carries the same numbers for devices.
"""

from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Preprocessing:
    """What happens to a photo before the backbone.

    A tight centre square is worth more than a larger input, a mirror image or a better filter (docs/
    recognizer.md has the measurements): what is photographed stands in the middle, its neighbours do not.
    """

    side: int  # pixels: the backbone's input is side x side
    crop: float = 0.75  # share of the photo's shorter side that is kept, centred
    mean: float = 127.0
    scale: float = 128.0
    version: int = 1

    @property
    def decode_side(self) -> int:
        """The least shorter side, in pixels, a photo may be decoded at without losing detail."""
        return 2 * round(self.side / self.crop)

    def as_json(self) -> dict:
        return {"resample": "bilinear", "layout": "NHWC", "dtype": "uint8", "channels": "RGB", **asdict(self)}


def to_pixels(image: Image.Image, preprocessing: Preprocessing) -> np.ndarray:
    """Crop and scale one photo.

    Args:
        image: RGB, upright.
    Returns:
        (side, side, 3) uint8.
    """
    kept = preprocessing.crop * min(image.size)
    left, top = (image.width - kept) / 2, (image.height - kept) / 2
    size = (preprocessing.side, preprocessing.side)
    box = (left, top, left + kept, top + kept)
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=box))
