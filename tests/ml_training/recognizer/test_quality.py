"""What a photo's pixels say of it: the limits find bad photos of the demo's products and pass good ones."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from ml_training.recognizer.preprocess import Preprocessing, to_pixels
from ml_training.recognizer.quality import BLURRED, DARK, SMALL, measure_quality
from tests.support.demo import demo_folders

SIDE = 224


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    """One of each product, and not always the same one."""
    files = enumerate(demo_folders().values())
    return [Image.open(paths[place % len(paths)]).convert("RGB") for place, paths in files]


def faults(image: Image.Image) -> list[str]:
    return measure_quality(to_pixels(image, Preprocessing(SIDE))).faults()


def blurred(photo: Image.Image) -> Image.Image:
    """By 1 % of the side."""
    return photo.filter(ImageFilter.GaussianBlur(0.01 * min(photo.size)))


def far_away(photo: Image.Image) -> Image.Image:
    """The middle of a photo, a quarter as wide, on a bare table."""
    table = np.random.default_rng(0).normal(150, 3, (640, 640, 3)).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(table)
    picture.paste(ImageOps.fit(photo, (160, 160), bleed=0.16), (240, 200))
    return picture


def test_good_photos_have_no_fault(photos):
    assert [faults(photo) for photo in photos] == [[]] * len(photos)


def test_blurred_photos_are_found(photos):
    found = [faults(blurred(photo)) for photo in photos]
    assert found == [[BLURRED]] * len(photos)


@pytest.mark.parametrize("light", [0.3, 0.1, 0.0])
def test_dark_photos_are_found(photos, light):
    assert all(faults(ImageEnhance.Brightness(photo).enhance(light)) == [DARK] for photo in photos[:6])


def test_small_products_are_found(photos):
    assert all(SMALL in faults(far_away(photo)) for photo in photos)


def test_contrast_does_not_pass_for_sharpness(photos):
    """A flat but sharp photo, as of a misty window, is no blurred one."""
    assert all(BLURRED not in faults(ImageEnhance.Contrast(photo).enhance(0.5)) for photo in photos[:6])


def test_plain_picture_is_measured_too():
    assert SMALL in faults(Image.new("RGB", (300, 300), "white"))
