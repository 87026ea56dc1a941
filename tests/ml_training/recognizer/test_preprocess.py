"""A photo is cut and scaled in one place, always alike."""

import json

import numpy as np
import pytest
from PIL import Image

from ml_training.recognizer.preprocess import WIDE_AND_TIGHT, Preprocessing, View, to_pixels
from tests.factories import draw


def striped(width: int, height: int) -> Image.Image:
    """Red rises from left to right, green from top to bottom, 0 to 255."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, np.zeros_like(x)], axis=2).astype(np.uint8))


def whole(side: int, *views: View) -> Preprocessing:
    return Preprocessing(side=side, views=views or (View(1.0),))


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (33, 32), (4000, 32), (224, 224)])
def test_every_photo_becomes_the_same_shape(size):
    preprocessing = Preprocessing(side=224)
    pixels = to_pixels(draw(1, size=size), preprocessing)
    assert pixels.shape == preprocessing.shape == (2, 224, 224, 3)
    assert pixels.dtype == np.uint8


def test_whole_view_of_a_picture_of_its_size_is_the_picture():
    image = draw(2, size=(64, 64))
    np.testing.assert_array_equal(to_pixels(image, whole(64))[0], np.asarray(image))


def test_view_keeps_the_middle_part():
    pixels = to_pixels(striped(400, 400), whole(100, View(0.5)))[0].astype(int)
    red, green = pixels[50, :, 0], pixels[:, 50, 1]
    for rising in (red, green):  # from a quarter to three quarters
        assert rising[0] == pytest.approx(64, abs=2)
        assert rising[-1] == pytest.approx(191, abs=2)


def test_mirrored_view_is_the_other_one_from_right_to_left():
    plain, mirrored = to_pixels(draw(0, size=(90, 70)), whole(64, View(0.8), View(0.8, mirrored=True)))
    np.testing.assert_array_equal(mirrored, plain[:, ::-1])
    assert not np.array_equal(mirrored, plain)


def test_photo_that_is_no_square_is_cut_on_both_sides_alike():
    wide = to_pixels(striped(800, 200), whole(100, View(0.5)))[0].astype(int)
    tall = to_pixels(striped(200, 800), whole(100, View(0.5)))[0].astype(int)
    for pixels in (wide, tall):
        assert abs(pixels[50, :, 0].mean() - 127.5) < 2
        assert abs(pixels[:, 50, 1].mean() - 127.5) < 2


def test_same_photo_always_gives_the_same_pixels():
    preprocessing = Preprocessing(side=96)
    first, again = (to_pixels(draw(3, size=(500, 400)), preprocessing) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_decoding_leaves_enough_pixels_for_the_tightest_view():
    preprocessing = Preprocessing(side=224)
    tightest = min(view.share for view in preprocessing.views)
    assert preprocessing.decode_side * tightest >= preprocessing.side


def test_description_for_devices_says_everything_that_counts():
    described = json.loads(json.dumps(Preprocessing(side=224, mean=127.0, scale=128.0).as_json()))
    views = [{"share": view.share, "mirrored": view.mirrored} for view in WIDE_AND_TIGHT]
    assert described["views"] == views
    assert (described["side"], described["mean"], described["scale"]) == (224, 127.0, 128.0)
    assert (described["resample"], described["channels"]) == ("bilinear", "RGB")
    assert (described["layout"], described["dtype"]) == ("VHWC", "uint8")
