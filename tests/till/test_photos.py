"""The photo of a correction: square, small, and nothing in the file beside the picture."""

import io

import pytest
from PIL import Image, ImageStat

from tests.support.tills import picture
from till.photos import square_jpeg


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("size", "side"), [((640, 640), 640), ((1600, 900), 640), ((300, 1000), 300), ((640, 33), 33)]
)
def test_middle_square_is_kept_and_never_made_larger(size, side):
    assert opened(square_jpeg(picture(size))).size == (side, side)


def test_square_is_from_the_middle():
    wide = Image.new("RGB", (900, 300), "red")
    wide.paste("blue", (300, 0, 600, 300))
    buffer = io.BytesIO()
    wide.save(buffer, "PNG")
    red, _, blue = ImageStat.Stat(opened(square_jpeg(buffer.getvalue())).crop((9, 9, 290, 290))).mean
    assert blue > 250
    assert red < 5


def test_nothing_but_the_picture_is_kept():
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif[0x0112] = 6
    sent = picture((200, 100), exif=exif, comment=b"SecretComment", icc_profile=b"SecretProfile" * 20)
    assert b"SecretComment" in sent
    kept = square_jpeg(sent)
    assert b"Secret" not in kept
    assert not opened(kept).getexif()
    assert set(opened(kept).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_picture_is_turned_upright_before_its_exif_goes():
    lying = Image.new("RGB", (300, 300), "white")
    lying.paste("black", (0, 0, 300, 150))  # dark above, and on the right once it is turned
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    lying.save(buffer, "JPEG", exif=exif)
    upright = opened(square_jpeg(buffer.getvalue())).convert("L")
    assert upright.getpixel((280, 20)) < 20
    assert upright.getpixel((20, 280)) > 235
