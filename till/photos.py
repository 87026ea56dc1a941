"""Makes the photo of a correction what it may be: small, square, and without anything beside the picture."""

import io

from PIL import Image

from catalog.photo_files import MIN_SIDE, PhotoRefused, open_upright
from till.models import Correction

SIDE = 640  # pixels
MAX_PIXELS = 4_000_000  # that are decoded: a till sends a tenth of that


def photos_in_use(names: list[str]) -> set[str]:
    """Of these names of files, those of corrections."""
    return set(Correction.objects.filter(photo__in=names).values_list("photo", flat=True))


def square_jpeg(data: bytes) -> bytes:
    """Cut the middle square out of a photo that somebody sent, and encode it anew.

    Raises:
        PhotoRefused: it cannot be decoded, or is too large or too small.
    """
    image = open_upright(data, max_pixels=MAX_PIXELS)
    side = min(image.size)
    if side < MIN_SIDE:
        raise PhotoRefused(f"The picture has less than {MIN_SIDE} pixels on a side.")
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    if side > SIDE:
        square = square.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    square.info.clear()  # a comment in the file would be written again
    buffer = io.BytesIO()
    square.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
