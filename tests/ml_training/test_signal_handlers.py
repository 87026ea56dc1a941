"""What the catalogue does asks for training, or does not."""

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import transaction
from django_q.models import OrmQ

from catalog.models import Product, ProductImage, Shop
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.recognizer.export import FILES
from ml_training.runs import lifecycle
from ml_training.runs.complete import complete
from tests.factories import add_photo, draw, encode, make_shop, photo_bytes, stock
from tests.support.training import claimed, counters, last_run, model_files, statuses, trained, work


def settle(shop):
    """Forget what was asked for so far: nothing is owed and no run is queued."""
    TrainingRun.objects.filter(shop=shop).delete()
    ShopTraining.objects.filter(shop=shop).update(wanted=0, trained=0)


def asked(shop) -> list[tuple[str, str, int]]:
    """What the queued run of a shop says it was asked for."""
    run = TrainingRun.objects.filter(shop=shop, status="queued").first()
    return [(item["kind"], item["product"], item["count"]) for item in run.trigger] if run else []


@pytest.fixture
def products(shop):
    made = stock(shop, products=2, photos=1)
    settle(shop)
    return made


def test_photo_added_queues_one_run(shop, products):
    add_photo(products[0], seed=10)
    assert counters(shop) == (1, 0)
    assert asked(shop) == [("photo_added", "Product 0", 1)]


def test_each_photo_added_counts_and_joins_the_queued_run(shop, products):
    for seed in range(10, 14):
        add_photo(products[0], seed=seed)
    add_photo(products[1], seed=10)
    assert counters(shop) == (5, 0)
    assert statuses(shop) == ["queued"]
    assert asked(shop) == [("photo_added", "Product 0", 4), ("photo_added", "Product 1", 1)]


def test_photo_replaced_asks_for_training(shop, products):
    photo = products[0].images.get()
    photo.image = ContentFile(photo_bytes(0, 99), name="better.jpg")
    photo.save()
    assert asked(shop) == [("photo_replaced", "Product 0", 1)]


def test_photo_sorted_differently_asks_for_nothing(shop, products):
    photo = products[0].images.get()
    photo.position = 7
    photo.save()
    photo.save(update_fields=["position"])
    assert counters(shop) == (0, 0)
    assert not asked(shop)


def test_photo_removed_asks_for_training(shop, products):
    products[0].images.get().delete()
    assert asked(shop) == [("photo_removed", "Product 0", 1)]


def test_photos_removed_together_count_each(shop, products):
    add_photo(products[0], seed=10)
    settle(shop)
    ProductImage.objects.filter(product__shop=shop).delete()
    assert counters(shop) == (3, 0)
    assert asked(shop) == [("photo_removed", "Product 0", 2), ("photo_removed", "Product 1", 1)]


def test_photo_moved_to_another_product_asks_once(shop, products):
    photo = products[0].images.get()
    photo.product = products[1]
    photo.save()
    assert counters(shop) == (1, 0)
    assert asked(shop) == [("photo_moved", "Product 1", 1)]


def test_photo_moved_to_another_shop_asks_in_both(shop, products, other_shop):
    elsewhere = Product.objects.create(shop=other_shop, sku="x", name="Elsewhere")
    photo = products[0].images.get()
    photo.product = elsewhere
    photo.save()
    assert asked(shop) == [("photo_moved", "Elsewhere", 1)]
    assert asked(other_shop) == [("photo_moved", "Elsewhere", 1)]


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [(True, False, "product_switched_off"), (False, True, "product_switched_on")],
)
def test_product_switched_asks_for_training(shop, products, before, after, kind):
    Product.objects.filter(pk=products[0].pk).update(is_active=before)
    product = Product.objects.get(pk=products[0].pk)
    product.is_active = after
    product.save()
    assert asked(shop) == [(kind, "Product 0", 1)]


def test_product_moved_to_another_shop_asks_in_both(shop, products, other_shop):
    products[0].shop = other_shop
    products[0].save()
    assert asked(shop) == [("product_moved", "Product 0", 1)]
    assert asked(other_shop) == [("product_moved", "Product 0", 1)]


def test_product_renamed_asks_for_nothing(shop, products):
    products[0].name, products[0].price = "New name", 3
    products[0].save()
    assert counters(shop) == (0, 0)


def test_product_without_photos_asks_for_nothing(shop, products, other_shop):
    product = Product.objects.create(shop=shop, sku="bare", name="Bare")
    product.is_active = False
    product.save()
    product.shop = other_shop
    product.save()
    product.delete()
    assert counters(shop) == counters(other_shop) == (0, 0)


def test_product_deleted_is_one_change_however_many_photos_go_with_it(shop, products):
    add_photo(products[0], seed=10)
    settle(shop)
    products[0].delete()
    assert counters(shop) == (1, 0)
    assert asked(shop) == [("product_deleted", "Product 0", 1)]


def test_products_deleted_together_count_each(shop, products):
    Product.objects.filter(shop=shop).delete()
    assert sorted(asked(shop)) == [("product_deleted", "Product 0", 1), ("product_deleted", "Product 1", 1)]


def test_change_in_one_shop_asks_in_no_other(shop, products):
    other = make_shop("other", products=1, photos=1)
    settle(other)
    add_photo(products[0], seed=10)
    products[0].delete()
    assert counters(other) == (0, 0)


def test_loaded_fixture_asks_for_nothing(shop, products, tmp_path):
    dump = tmp_path / "catalogue.json"
    call_command("dumpdata", "catalog.product", "catalog.productimage", output=str(dump), verbosity=0)
    call_command("loaddata", str(dump), verbosity=0)
    assert counters(shop) == (0, 0)
    assert not asked(shop)


@pytest.mark.django_db(transaction=True)
def test_photo_saved_while_training_queues_one_more_run(shop):
    stock(shop, products=1, photos=1)
    lifecycle.claim(last_run(shop).pk)
    add_photo(shop.products.get(), seed=10)
    add_photo(shop.products.get(), seed=11)
    assert statuses(shop) == ["training", "queued"]


@pytest.mark.django_db(transaction=True)
def test_thousand_photos_saved_one_by_one_while_training_make_exactly_one_more_run(shop):
    run = claimed(shop)
    product = Product.objects.create(shop=shop, sku="busy", name="Busy")
    small = draw(0, size=(32, 32))
    for number in range(1000):
        small.putpixel((0, 0), (number % 256, number // 256, 0))
        add_photo(product, data=encode(small, "PNG"))
    assert ProductImage.objects.count() == 1000
    assert statuses(shop) == ["training", "queued"]
    assert counters(shop) == (1001, 0)
    complete(run, None)
    assert statuses(shop) == ["completed", "queued"]
    complete(lifecycle.claim(last_run(shop).pk), None)
    assert statuses(shop) == ["completed", "completed"]
    assert counters(shop) == (1001, 1001)


@pytest.mark.django_db(transaction=True)
def test_photo_saved_in_a_transaction_that_is_rolled_back_queues_nothing(shop, events):
    product = Product.objects.create(shop=shop, sku="a", name="A")
    with transaction.atomic():
        add_photo(product)
        assert counters(shop) == (1, 0)
        transaction.set_rollback(True)
    assert counters(shop) == (0, 0)
    assert not TrainingRun.objects.exists()
    assert not OrmQ.objects.exists()
    assert not events


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("state", "by_queryset"),
    [("idle", False), ("queued", True), ("training", False), ("training and queued", True)],
)
def test_shop_deleted_leaves_nothing_behind(tmp_path, state, by_queryset):
    shop = make_shop("closing")
    version = trained(shop, products=2, photos=1)
    assert len(model_files(tmp_path)) == len(FILES)
    run = None
    if state != "idle":
        add_photo(shop.products.first(), seed=10)
    if state.startswith("training"):
        run = lifecycle.claim(last_run(shop).pk)
    if state == "training and queued":
        add_photo(shop.products.first(), seed=11)
    pk = shop.pk
    Shop.objects.filter(pk=pk).delete() if by_queryset else shop.delete()
    for model in (Product, TrainingRun, ModelVersion, ShopTraining):
        assert not model.objects.filter(**{"shop" if model is not ModelVersion else "shop_id": pk}).exists()
    assert not ProductImage.objects.filter(product__shop=pk).exists()
    assert not (tmp_path / "models" / version.folder).exists()
    assert not (tmp_path / "models" / str(pk)).exists()
    work()  # what was on the queue finds no run and asks for none
    assert not TrainingRun.objects.filter(shop=pk).exists()
    if run:
        with pytest.raises(lifecycle.RunLost):
            complete(run, None)


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_shop_deletion_rolled_back_keeps_the_model_files(shop, tmp_path):
    trained(shop, products=2, photos=1)
    before = model_files(tmp_path)
    with transaction.atomic():
        shop.delete()
        transaction.set_rollback(True)
    assert model_files(tmp_path) == before
    assert len(before) == len(FILES)


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_other_shops_keep_their_model_files_when_one_is_deleted(shop, tmp_path):
    version = trained(shop, products=2, photos=1)
    closing = make_shop("closing")
    trained(closing, products=2, photos=1)
    closing.delete()
    assert {name.rpartition("/")[0] for name in model_files(tmp_path)} == {version.folder}


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_product_deleted_while_training_makes_one_more_run_without_it(shop):
    stock(shop, products=3, photos=1)
    run = lifecycle.claim(last_run(shop).pk)
    shop.products.first().delete()
    complete(run, None)
    work()
    assert statuses(shop) == ["completed", "completed"]
    assert last_run(shop).products == 2
