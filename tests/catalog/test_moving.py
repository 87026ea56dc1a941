"""Photos go to another product of their shop: all of them or none, at the end, and by the models' signals."""

from pathlib import Path

import pytest
from django.db.models.signals import post_save

from catalog.models import Product, ProductImage
from catalog.moving import MAX_MOVED, MoveRefused, move_photos
from tests.factories import add_photo
from tests.support.training import counters, last_run, statuses

pytestmark = pytest.mark.django_db


@pytest.fixture
def target(shop) -> Product:
    return Product.objects.create(shop=shop, sku="LIME", name="Lime")


def place(photo: ProductImage, position: int) -> ProductImage:
    ProductImage.objects.filter(pk=photo.pk).update(position=position)
    return photo


def names(product: Product) -> list[str]:
    return [photo.filename for photo in product.images.all()]


def test_photos_land_at_the_end_in_the_order_they_had(product, target):
    add_photo(target, 0, 0)
    place(add_photo(target, 0, 1), 7)
    second, first = place(add_photo(product, 1, 0), 5), place(add_photo(product, 1, 1), 2)
    stays = add_photo(product, 1, 2)
    moved = move_photos([second.pk, first.pk], target)
    assert [photo.pk for photo in moved] == [first.pk, second.pk]
    assert names(target) == ["photo-0-0.jpg", "photo-0-1.jpg", "photo-1-1.jpg", "photo-1-0.jpg"]
    assert [photo.position for photo in moved] == [8, 9]
    assert list(product.images.all()) == [stays]


def test_photo_stays_the_same_file_under_the_same_address(product, target):
    photo = add_photo(product)
    before = (photo.image.name, photo.sha256, photo.added_at)
    move_photos([photo.pk], target)
    photo.refresh_from_db()
    assert (photo.image.name, photo.sha256, photo.added_at) == before
    assert Path(photo.image.path).exists()


def test_one_training_results_however_many_are_moved(shop, product, target):
    photos = [add_photo(product, seed=seed) for seed in range(3)]
    last_run(shop).delete()
    move_photos([photo.pk for photo in photos], target)
    assert statuses(shop) == ["queued"]
    assert last_run(shop).trigger == [{"kind": "photo_moved", "product": "Lime", "count": 3}]


def test_moving_again_changes_nothing_and_asks_for_nothing(shop, product, target):
    photo = add_photo(product)
    move_photos([photo.pk], target)
    wanted = counters(shop)
    assert move_photos([photo.pk], target) == []
    assert counters(shop) == wanted


def test_photo_that_the_product_has_already_keeps_all_of_them_where_they_are(shop, product, target):
    add_photo(target, 1, 0)
    good, twice = add_photo(product, 1, 1), add_photo(product, 1, 0)
    wanted = counters(shop)
    with pytest.raises(MoveRefused) as refused:
        move_photos([good.pk, twice.pk], target)
    assert str(refused.value) == (
        "photo-1-0.jpg: Lime already has this photo. Delete it here instead of moving it."
    )
    assert list(product.images.all()) == [good, twice]
    assert counters(shop) == wanted


def test_same_photo_of_two_products_cannot_come_together_on_a_third(shop, product, target):
    other = Product.objects.create(shop=shop, sku="C", name="C")
    both = [add_photo(product, 4), add_photo(other, 4)]
    with pytest.raises(MoveRefused, match="already has this photo"):
        move_photos([photo.pk for photo in both], target)
    assert not target.images.exists()


def test_photos_stay_in_their_shop(product, other_shop):
    elsewhere = Product.objects.create(shop=other_shop, sku="X", name="Elsewhere")
    photo = add_photo(product)
    with pytest.raises(MoveRefused, match="Elsewhere is in another shop"):
        move_photos([photo.pk], elsewhere)
    assert list(product.images.all()) == [photo]


def test_photo_or_product_that_is_gone_is_said(product, target):
    photo, gone = add_photo(product, 1), add_photo(product, 2)
    ProductImage.objects.filter(pk=gone.pk).delete()
    with pytest.raises(MoveRefused, match="A photo is not there any more"):
        move_photos([photo.pk, gone.pk], target)
    Product.objects.filter(pk=target.pk).delete()
    with pytest.raises(MoveRefused, match="Lime is not there any more"):
        move_photos([photo.pk], target)
    assert list(product.images.all()) == [photo]


def test_more_photos_than_are_moved_at_once_are_refused(product, target):
    rows = (
        ProductImage(
            product=product, image=f"{n}.jpg", filename=f"{n}.jpg", sha256=f"{n:064}", width=9, height=9
        )
        for n in range(MAX_MOVED + 1)
    )
    ProductImage.objects.bulk_create(rows)
    photos = list(product.images.values_list("pk", flat=True))
    with pytest.raises(MoveRefused, match="At most 500 photos"):
        move_photos(photos, target)
    assert len(move_photos(photos[1:], target)) == MAX_MOVED


def test_failure_half_way_moves_nothing(shop, product, target):
    """Somebody who listens to the second photo fails."""
    photos = [add_photo(product, seed=seed) for seed in range(2)]
    wanted = counters(shop)

    def fail(instance, **kwargs):
        if instance.pk == photos[1].pk:
            raise RuntimeError("The disk is full.")

    post_save.connect(fail, sender=ProductImage)
    try:
        with pytest.raises(RuntimeError):
            move_photos([photo.pk for photo in photos], target)
    finally:
        post_save.disconnect(fail, sender=ProductImage)
    assert list(product.images.all()) == photos
    assert counters(shop) == wanted
