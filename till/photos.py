"""Makes the photo of a correction what it may be: small, square, and without anything beside the picture."""

import io

from PIL import Image

SIDE = 640  # pixels


def square_jpeg(image: Image.Image) -> bytes:
    """Cut the middle square out of an upright picture and encode it anew, without EXIF."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    if side > SIDE:
        square = square.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    square.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()
