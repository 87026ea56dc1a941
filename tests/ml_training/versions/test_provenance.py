"""From a photo to the versions it taught, and back; also when it is gone, moved or replaced."""

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product, ProductImage
from ml_training.dataset.manifest import read_manifest
from ml_training.models import LearnedPhoto, ModelVersion
from ml_training.versions.diff import NOT_RECORDED, changes_in_words
from ml_training.versions.provenance import (
    Span,
    first_learned,
    in_words,
    learned_by_versions,
    note_learned,
    spans_of,
    taught,
)
from tests.factories import add_photo, bare_version, learn, photo_bytes, stock
from tests.support.training import trained, work

pytestmark = pytest.mark.django_db


def photos_learned(version: ModelVersion) -> list[int]:
    return [row.photo_id for row in first_learned([version], None)[version.pk]]


def spans(photo: ProductImage) -> list[Span]:
    return spans_of([photo])[photo.pk]


def test_photo_that_stays_is_one_row_however_many_versions_learn_it(shop):
    stock(shop, products=2, photos=2)
    for _ in range(20):
        newest = learn(shop)
    assert LearnedPhoto.objects.count() == 4
    assert [spans(photo) for photo in ProductImage.objects.all()] == [[Span(1, 20)]] * 4
    assert len(photos_learned(newest)) == 4


def test_version_that_learns_the_same_writes_nothing(shop):
    stock(shop, products=2, photos=2)
    learn(shop)
    with CaptureQueriesContext(connection) as captured:
        assert note_learned(shop.pk, 2, read_manifest(shop.pk)) == []
    assert not [query for query in captured if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


def test_deleted_photo_is_known_for_ever(shop):
    first, _ = stock(shop, products=2, photos=2)
    learn(shop)
    second = learn(shop)
    photo = first.images.first()
    pk = photo.pk
    assert taught([pk]) == [Span(1, 2)]
    photo.delete()
    third = learn(shop)
    assert pk in photos_learned(second)
    assert pk not in photos_learned(third)
    (row,) = learned_by_versions([second]).filter(photo=pk)
    assert (row.now_on, row.product_is_there, row.filename) == (None, True, "photo-0-0.jpg")
    assert third.changes == [{"kind": "photo_removed", "product": "Product 0", "count": 1}]


def test_deleted_product_keeps_its_name(shop):
    product = stock(shop, products=3, photos=2)[0]
    first = learn(shop)
    product.delete()
    second = learn(shop)
    rows = [row for row in learned_by_versions([first]) if not row.product_is_there]
    assert [row.product_name for row in rows] == ["Product 0"] * 2
    assert changes_in_words(second) == "Product 0 removed (2 photos)"


def test_photo_moved_is_learned_under_both_products(shop):
    origin, other = stock(shop, products=2, photos=2)
    learn(shop)
    photo = origin.images.first()
    photo.product = other
    photo.save()
    second = learn(shop)
    assert spans(photo) == [Span(1, 2)]
    assert [row.product_id for row in LearnedPhoto.objects.filter(photo=photo).order_by("pk")] == [
        origin.pk,
        other.pk,
    ]
    assert changes_in_words(second) == "1 photo moved from Product 0 to Product 1"
    (row,) = learned_by_versions([ModelVersion.objects.get(number=1)]).filter(photo=photo)
    assert (row.product_id, row.now_on) == (origin.pk, other.pk)


def test_photo_replaced_is_another_photo(shop):
    product, _ = stock(shop, products=2, photos=2)
    first = learn(shop)
    photo = product.images.first()
    photo.image = ContentFile(photo_bytes(0, seed=77), name="better.jpg")
    photo.save()
    second = learn(shop)
    assert changes_in_words(second) == "1 photo of Product 0 replaced"
    (old,) = learned_by_versions([first]).filter(photo=photo)
    (new,) = learned_by_versions([second]).filter(photo=photo)
    assert (old.now_on, new.now_on) == (None, product.pk)
    assert (old.filename, new.filename) == ("photo-0-0.jpg", "better.jpg")


def test_photo_that_comes_back_is_learned_by_versions_with_a_gap(shop):
    product, _ = stock(shop, products=2, photos=2)
    photo = product.images.first()
    learn(shop)
    number = 2
    note_learned(shop.pk, number, read_manifest(shop.pk).without({photo.pk}))
    bare_version(shop, number)
    learn(shop)
    assert spans(photo) == [Span(1, 1), Span(3, 3)]
    assert in_words(spans(photo)) == "versions 1 and 3"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([], ""),
        ([Span(3, 3)], "version 3"),
        ([Span(3, 7)], "versions 3–7"),
        ([Span(1, 1), Span(3, 5), Span(9, 9)], "versions 1, 3–5 and 9"),
    ],
)
def test_versions_are_said_in_words(found, words):
    assert in_words(found) == words


def test_every_kind_of_change_is_said_and_what_is_more_is_counted(shop):
    lemon, lime, pear, plum = stock(shop, products=4, photos=3)
    learn(shop)
    plum.delete()
    lime.images.first().delete()
    pear.images.first().delete()
    for seed in (50, 51, 52):
        add_photo(lemon, 0, seed)
    kiwi = Product.objects.create(shop=shop, sku="kiwi", name="kiwi")
    add_photo(kiwi, 4, 1)
    second = learn(shop)
    assert changes_in_words(second) == (
        "kiwi added (1 photo), Product 3 removed (3 photos), 3 photos added to Product 0, "
        "1 photo removed from Product 1 and 1 more change"
    )


def test_thousand_changed_products_are_kept_short(shop):
    stock(shop, products=2, photos=1)
    learn(shop)
    photo = ProductImage.objects.first()
    products = Product.objects.bulk_create(
        Product(shop=shop, sku=f"n{n}", name=f"New {n}") for n in range(1000)
    )
    ProductImage.objects.bulk_create(
        ProductImage(product=item, image=photo.image, filename="x", sha256="1" * 64, width=9, height=9)
        for item in products
    )
    second = learn(shop)
    assert len(second.changes) == 51
    assert changes_in_words(second).endswith("New 3 added (1 photo) and 996 more changes")


def test_versions_made_before_this_was_written_down_say_so(shop):
    stock(shop, products=2, photos=1)
    old = bare_version(shop, 1)
    newer = learn(shop)
    newest = learn(shop)
    assert changes_in_words(old) == NOT_RECORDED
    assert photos_learned(old) == []
    assert "was not written down" in changes_in_words(newer)
    assert len(photos_learned(newer)) == 2
    assert changes_in_words(newest) == "The same photos as the version before"
    assert spans(ProductImage.objects.first()) == [Span(2, 3)]


def test_version_of_which_nobody_knows_learned_nothing_that_is_said(shop):
    stock(shop, products=2, photos=1)
    learn(shop)
    bare_version(shop, 2, note_learned(shop.pk, 2, None))
    learn(shop)
    assert spans(ProductImage.objects.first()) == [Span(1, 1), Span(3, 3)]


def test_shops_count_their_own_versions(shop, other_shop):
    for place in (shop, other_shop):
        stock(place, products=2, photos=1)
    for _ in range(3):
        learn(shop)
    learn(other_shop)
    assert spans(ProductImage.objects.get(product__sku="other-0")) == [Span(1, 1)]
    assert spans(ProductImage.objects.get(product__sku="default-0")) == [Span(1, 3)]
    shop.delete()
    assert LearnedPhoto.objects.count() == 2


def test_photo_moved_to_another_shop_counts_what_that_one_learned(shop, other_shop):
    product = stock(shop, products=2, photos=1)[0]
    learn(shop)
    stock(other_shop, products=1, photos=0)
    photo = product.images.get()
    photo.product = other_shop.products.get()
    photo.save()
    assert spans(photo) == []
    assert taught([photo.pk]) == []
    for _ in range(2):
        learn(other_shop)
    assert spans(photo) == [Span(1, 2)]
    (row,) = learned_by_versions([ModelVersion.objects.get(shop=shop)]).filter(photo=photo)
    assert row.now_on is None  # for those who look after the first shop


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_training_writes_down_what_it_learned_without_what_was_set_aside(shop):
    first = trained(shop, products=2, photos=2)
    bad = add_photo(Product.objects.first(), 0, 60)
    bad.image.storage.delete(bad.image.name)
    work()
    second = ModelVersion.objects.get(number=2)
    assert changes_in_words(first) == "The first version"
    assert changes_in_words(second) == "The same photos as the version before"
    assert len(photos_learned(second)) == second.photos == 4
    assert spans(bad) == []
