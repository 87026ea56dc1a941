"""What a run learns from is read once, in a fixed order."""

import numpy as np

from catalog.models import Product
from ml_training.dataset.manifest import read_manifest
from tests.factories import add_photo, make_shop, photo_bytes, stock


def test_photos_come_by_product_then_position(shop):
    first, second = stock(shop, products=2, photos=2)
    late = add_photo(first, seed=20)
    front = add_photo(second, kind=1, seed=20)
    front.position, late.position = 0, 9
    second.images.exclude(pk=front.pk).update(position=5)
    front.save()
    late.save()
    manifest = read_manifest(shop.pk)
    assert [product.pk for product in manifest.products] == [first.pk, second.pk]
    names = [photo.filename for photo in manifest.photos]
    assert names == [
        "photo-0-0.jpg",
        "photo-0-1.jpg",
        "photo-0-20.jpg",
        "photo-1-20.jpg",
        "photo-1-0.jpg",
        "photo-1-1.jpg",
    ]
    assert [photo.product_pk for photo in manifest.photos] == [first.pk] * 3 + [second.pk] * 3


def test_labels_are_the_index_of_each_photos_product(shop):
    stock(shop, products=3, photos=2)
    labels = read_manifest(shop.pk).labels
    assert labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert labels.dtype == np.int64


def test_one_query_reads_everything_of_one_shop_only(shop, django_assert_num_queries):
    stock(shop, products=3, photos=2)
    make_shop("other", products=2, photos=1)
    with django_assert_num_queries(1):
        manifest = read_manifest(shop.pk)
    assert len(manifest.photos) == 6
    assert {product.sku for product in manifest.products} == {"default-0", "default-1", "default-2"}


def test_products_that_are_switched_off_are_learned_and_those_without_photos_are_not(shop):
    off = Product.objects.create(shop=shop, sku="off", name="Off", is_active=False)
    Product.objects.create(shop=shop, sku="bare", name="Bare")
    add_photo(off)
    assert [product.sku for product in read_manifest(shop.pk).products] == ["off"]


def test_leaving_photos_out_leaves_out_products_that_then_have_none(shop):
    stock(shop, products=3, photos=2)
    manifest = read_manifest(shop.pk)
    middle = {photo.pk for photo in manifest.photos[2:4]}
    left = manifest.without({*middle, manifest.photos[0].pk})
    assert [product.sku for product in left.products] == ["default-0", "default-2"]
    assert left.labels.tolist() == [0, 1, 1]
    assert len(manifest.photos) == 6
    assert manifest.without(set()) == manifest


def test_copies_are_the_photos_with_the_same_bytes(shop):
    products = stock(shop, products=2, photos=1)
    add_photo(products[1], data=photo_bytes(0, 0))
    manifest = read_manifest(shop.pk)
    assert sorted(len(copies) for copies in manifest.copies.values()) == [1, 2]
    (both,) = [copies for copies in manifest.copies.values() if len(copies) == 2]
    assert [photo.product_pk for photo in both] == [product.pk for product in products]


def test_spread_takes_so_many_photos_from_all_over(shop):
    stock(shop, products=4, photos=2)
    manifest = read_manifest(shop.pk)
    assert len({photo.product_pk for photo in manifest.spread(4)}) == 4
    assert len(manifest.spread(3)) == 3
    assert manifest.spread(100) == list(manifest.photos)


def test_what_is_missing_names_the_only_product(shop):
    assert "no usable photos" in read_manifest(shop.pk).describe_missing()
    stock(shop, products=1, photos=1)
    assert "Only Product 0 has a usable photo" in read_manifest(shop.pk).describe_missing()


def test_photo_set_aside_is_remembered_with_its_names_and_the_reason(shop):
    stock(shop, products=1, photos=1)
    (photo,) = read_manifest(shop.pk).photos
    assert photo.as_json("Too dark.") == {
        "photo": photo.pk,
        "filename": "photo-0-0.jpg",
        "product": photo.product_pk,
        "sku": "default-0",
        "reason": "Too dark.",
    }
