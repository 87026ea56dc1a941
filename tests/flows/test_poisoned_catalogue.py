"""What goes wrong in real catalogues, with real photos: the version that learned it does not take over."""

import numpy as np
import pytest

from catalog.importing import import_photos
from catalog.models import Product, ProductImage
from ml_training.advice.analysis import analyze_shop
from ml_training.gate.judge import find_photos_to_check
from ml_training.models import ModelVersion
from ml_training.versions import activate
from tests.factories import add_photo
from tests.support.demo import DEMO_PHOTOS, demo_file, demo_folders
from tests.support.training import active_version, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


@pytest.fixture
def catalogue(shop):
    """A shop that trained 160 good photos of 16 products."""
    import_photos(shop, DEMO_PHOTOS, demo_folders())
    work()
    assert len(listed(shop)) <= 0.05 * 160
    assert active_version(shop).photos == 160
    return shop


def newest(shop) -> ModelVersion:
    return ModelVersion.objects.filter(shop=shop).first()


def assert_held_back(shop):
    work()
    assert newest(shop).number == 2
    assert newest(shop).held_back
    assert active_version(shop).number == 1


def listed(shop) -> set[int]:
    """The photos that are listed as looking wrong."""
    return {suspect.photo for suspect in analyze_shop(shop).suspects}


def move(photos, choose) -> list[int]:
    """Give photos to other products; returns their primary keys."""
    for photo in photos:
        photo.product = choose(photo)
        photo.save()
    return [photo.pk for photo in photos]


def swap_a_tenth(shop) -> list[int]:
    """Give 16 of 160 photos, drawn by lot, to another product, drawn by lot."""
    rng = np.random.default_rng(0)
    products = list(shop.products.order_by("pk"))
    photos = list(ProductImage.objects.filter(product__shop=shop).order_by("pk"))
    drawn = [photos[number] for number in rng.choice(len(photos), len(photos) // 10, replace=False)]
    return move(drawn, lambda photo: rng.choice([p for p in products if p.pk != photo.product_id]))


def test_a_tenth_of_the_labels_swapped(catalogue):
    swapped = set(swap_a_tenth(catalogue))
    assert_held_back(catalogue)
    assert len(listed(catalogue) & swapped) >= 0.9 * len(swapped)
    assert len(listed(catalogue) - swapped) <= 0.05 * (160 - len(swapped))


def test_photos_of_a_product_replaced_by_those_of_another(catalogue):
    victim = Product.objects.get(shop=catalogue, sku="Vine-Tomato")
    victim.images.all().delete()
    for photo in Product.objects.get(shop=catalogue, sku="Beef-Tomato").images.all():
        with photo.image.open() as file:
            add_photo(victim, data=file.read())
    assert_held_back(catalogue)
    assert "Vine Tomato" in newest(catalogue).held_back
    assert set(victim.images.values_list("pk", flat=True)) <= listed(catalogue)


def test_hundreds_of_copies_of_one_photo(catalogue):
    """The file differs each time, so it is not refused as a duplicate; the picture is the same."""
    photo = Product.objects.get(shop=catalogue, sku="God-Morgon-Orange-Juice").images.first()
    with photo.image.open() as file:
        data = file.read()
    copies = [add_photo(photo.product, data=data + b"\0" * (number + 1)).pk for number in range(300)]
    assert_held_back(catalogue)
    assert "300 photos of God Morgon Orange Juice are copies" in newest(catalogue).held_back
    assert len(listed(catalogue) & {photo.pk, *copies}) >= 300  # one of them may stay
    # Nothing is lost where somebody activates it all the same: they count as one.
    before = active_version(catalogue).metrics
    for figure in ("accuracy", "accuracy_by_product", "coverage"):
        assert newest(catalogue).metrics[figure] == before[figure]


def test_two_labels_swapped_again_and_again(catalogue):
    """Too few each time to be more than chance."""
    products = list(catalogue.products.order_by("pk"))
    photos = ProductImage.objects.filter(product__shop=catalogue)
    rng = np.random.default_rng(0)
    for number in rng.permutation(list(photos.values_list("pk", flat=True)))[:12].reshape(6, 2).tolist():
        move(
            photos.filter(pk__in=number),
            lambda photo: rng.choice([p for p in products if p.pk != photo.product_id]),
        )
        work()
    assert newest(catalogue).held_back
    assert newest(catalogue).number == 7
    assert active_version(catalogue).number <= 3


def test_a_few_wrong_photos_among_good_ones_again_and_again(shop):
    """Too few each time for a loss that two versions could be told apart by; together they are too many."""
    folders = demo_folders()
    first = {folder: files[:4] for folder, files in folders.items()}
    import_photos(shop, DEMO_PHOTOS, first)
    work()
    products = list(shop.products.order_by("sku"))
    more = [[(files[4 + turn], folder.name) for folder, files in folders.items()] for turn in range(6)]
    wrong = set()
    for turn, files in enumerate(more):
        for place, (path, sku) in enumerate(files[:7]):
            is_wrong = place < 2
            own = next(n for n, product in enumerate(products) if product.sku == sku)
            product = products[(own + 3 + turn) % len(products)] if is_wrong else products[own]
            photo = add_photo(product, data=path.read_bytes())
            wrong |= {photo.pk} if is_wrong else set()
        work()
    assert active_version(shop).number <= 2
    assert newest(shop).number == 7
    assert "look more like another product than like their own" in newest(shop).held_back
    blamed = set(find_photos_to_check(active_version(shop), newest(shop)))
    assert len(blamed & wrong) >= 0.8 * len(wrong)
    assert len(blamed - wrong) <= 0.1 * len(blamed)
    assert activate.activate_version(newest(shop))  # says that they are right, and is taken at its word
    add_photo(products[7], data=demo_file(products[7].sku, 4).read_bytes())
    work()
    assert active_version(shop).number == newest(shop).number == 8


def test_catalogue_that_only_lost_photos_takes_over(catalogue):
    """The gate is no wall: fewer photos of every product are no fault of theirs."""
    for photo in ProductImage.objects.filter(product__shop=catalogue, position__gte=9):
        photo.delete()
    work()
    assert active_version(catalogue).number == newest(catalogue).number == 2
