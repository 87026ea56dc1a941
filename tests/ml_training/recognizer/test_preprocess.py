"""A photo is cut and scaled in one place, always alike."""

import json

import numpy as np
import pytest
from PIL import Image

from ml_training.recognizer.preprocess import (
    FOUR_LOOKS,
    WIDE_AND_TIGHT,
    Preprocessing,
    View,
    preprocessing_from_json,
    to_pixels,
)
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
    assert pixels.shape == preprocessing.shape == (4, 224, 224, 3)
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


@pytest.mark.parametrize("down", [-0.25, -0.1, 0.25])
def test_view_below_the_middle_is_lower_by_its_share_of_the_height(down):
    pixels = to_pixels(striped(300, 400), whole(100, View(0.5, down=down)))[0].astype(int)
    assert pixels[50, :, 0].mean() == pytest.approx(127.5, abs=2)  # still in the middle from left to right
    assert pixels[:, 50, 1].mean() == pytest.approx(127.5 + 255 * down, abs=2)


@pytest.mark.parametrize("view", [View(0), View(1.1), View(0.5, down=0.3), View(1, down=-0.1)])
def test_view_that_the_photo_does_not_have_is_known(view):
    assert not view.is_inside
    assert all(view.is_inside for view in FOUR_LOOKS)


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


@pytest.mark.parametrize("views", [FOUR_LOOKS, WIDE_AND_TIGHT, (View(0.25),)])
def test_decoding_leaves_enough_pixels_for_the_tightest_view(views):
    preprocessing = Preprocessing(side=224, views=views)
    tightest = min(view.share for view in views)
    assert 224 <= preprocessing.decode_side * tightest < 3 * 224


def test_description_for_devices_says_everything_that_counts():
    described = json.loads(json.dumps(Preprocessing(side=224, mean=127.0, scale=128.0).as_json()))
    assert described["views"] == [
        {"share": 0.875, "mirrored": False},
        {"share": 0.6, "mirrored": True},
        {"share": 0.45, "mirrored": True, "down": -0.2},
        {"share": 0.45, "mirrored": True, "down": 0.2},
    ]
    assert (described["side"], described["mean"], described["scale"]) == (224, 127.0, 128.0)
    assert (described["resample"], described["channels"]) == ("bilinear", "RGB")
    assert (described["layout"], described["dtype"], described["version"]) == ("VHWC", "uint8", 2)


def test_description_is_read_as_it_was_written():
    preprocessing = Preprocessing(side=260, mean=(1.0, 2.0, 3.0))
    assert preprocessing_from_json(json.loads(json.dumps(preprocessing.as_json()))) == preprocessing


def test_description_of_version_1_is_still_read_and_written_as_it_was():
    """Models and tuned backbones of earlier releases have it in their files."""
    described = {
        "resample": "bilinear",
        "layout": "VHWC",
        "dtype": "uint8",
        "channels": "RGB",
        "side": 260,
        "views": [{"share": 0.875, "mirrored": False}, {"share": 0.6, "mirrored": True}],
        "mean": 127.0,
        "scale": 128.0,
        "version": 1,
    }
    preprocessing = preprocessing_from_json(described)
    assert preprocessing == Preprocessing(260, WIDE_AND_TIGHT, version=1)
    assert json.loads(json.dumps(preprocessing.as_json())) == described
