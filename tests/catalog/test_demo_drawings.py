"""The demo catalogue's drawings: honest articles, and photos that repeat exactly but never look alike."""

from decimal import Decimal

import pytest
from PIL import ImageChops, ImageStat

from catalog.demo.motifs import MOTIFS
from catalog.demo.products import DEMO_PRODUCTS
from catalog.demo.scenes import PHOTO_SIZE, draw_photo
from catalog.demo.staging import neighbour_view

each_product = pytest.mark.parametrize("product", DEMO_PRODUCTS, ids=lambda product: product.sku)


def difference(one, other) -> float:
    """Mean difference of two photos' pixels, in levels of 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


def test_there_are_at_least_twelve_products():
    assert len(DEMO_PRODUCTS) >= 12


def test_skus_names_and_barcodes_are_unique():
    for field in ("sku", "name", "barcode"):
        values = [getattr(product, field) for product in DEMO_PRODUCTS]
        assert len(set(values)) == len(values), field


@each_product
def test_barcode_is_a_valid_ean_13_for_use_inside_a_shop(product):
    digits = [int(character) for character in product.barcode]
    assert len(digits) == 13
    assert (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0
    assert digits[0] == 2, "20 to 29 belong to no manufacturer"


@each_product
def test_price_is_positive_and_has_two_decimals(product):
    assert product.price > 0
    assert product.price == product.price.quantize(Decimal("0.01"))


def test_at_least_four_pairs_share_a_brand_and_a_package_and_differ_in_print():
    looks = [product.look for product in DEMO_PRODUCTS]
    pairs = [
        (one, other)
        for place, one in enumerate(looks)
        for other in looks[place + 1 :]
        if (one.brand, one.package) == (other.brand, other.package)
    ]
    assert len(pairs) >= 4
    assert all(one.title != other.title for one, other in pairs)


def test_every_motif_on_a_package_can_be_drawn():
    assert {product.look.motif for product in DEMO_PRODUCTS} <= set(MOTIFS)


@each_product
def test_photo_is_rgb_of_the_promised_size(product):
    photo = draw_photo(product, 1)
    assert (photo.mode, photo.size) == ("RGB", PHOTO_SIZE)


@each_product
def test_same_product_and_seed_draw_the_same_photo(product):
    first = draw_photo(product, 7)
    neighbour_view.cache_clear()
    assert draw_photo(product, 7).tobytes() == first.tobytes()


@each_product
def test_different_seeds_draw_clearly_different_photos(product):
    photos = [draw_photo(product, seed) for seed in range(4)]
    for place, one in enumerate(photos):
        for other in photos[place + 1 :]:
            assert difference(one, other) > 10


def test_different_products_with_one_seed_draw_different_photos():
    photos = [draw_photo(product, 3).tobytes() for product in DEMO_PRODUCTS]
    assert len(set(photos)) == len(DEMO_PRODUCTS)


def test_many_seeds_draw_without_an_error():
    for seed in range(100, 104):
        for product in DEMO_PRODUCTS:
            draw_photo(product, seed)
