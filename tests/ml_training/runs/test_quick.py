"""A run from claim to active version, on real photos with the real recogniser."""

from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from catalog.models import Product, ProductImage
from ml_training.models import ImageEmbedding, ModelVersion, TrainingRun
from ml_training.recognition.recognize import recognize
from ml_training.runs import queue
from ml_training.runs.quick import run_job
from tests.factories import add_photo, make_shop, photo_bytes, stock
from tests.support.training import (
    active_version,
    counters,
    last_run,
    model_files,
    queued_run,
    trained,
    work,
)

PHASES = ["preparing", "embedding", "fitting", "evaluating", "publishing"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


def steal(shop):
    """What is left of a worker's claim after the reconciler has given it up."""
    TrainingRun.objects.filter(shop=shop, status="training").update(worker_token="of another worker")


def break_file(photo: ProductImage, content: bytes | None) -> None:
    """Change a stored photo behind the catalogue's back; None deletes it."""
    name = photo.image.name
    default_storage.delete(name)
    if content is not None:
        Path(default_storage.path(name)).write_bytes(content)


# --- A good run ------------------------------------------------------------------------------------


def test_photos_become_an_active_version_that_names_the_products(shop):
    version = trained(shop, products=3, photos=3)
    assert (version.number, version.products, version.photos) == (1, 3, 9)
    assert counters(shop) == (9, 9)
    for kind, product in enumerate(shop.products.order_by("pk")):
        assert recognize(shop, photo_bytes(kind, seed=50)).candidates[0].product_id == product.pk


def test_run_goes_through_its_phases_and_tells_of_them_in_order(shop, events):
    trained(shop, products=2, photos=2)
    kinds = [event.kind for event in events]
    assert kinds[:2] == ["queued", "started"]
    assert kinds[-1] == "completed"
    assert set(kinds[2:-1]) == {"progress"}
    news = [event.progress for event in events]
    assert news == sorted(news)
    assert news[-1] == 1.0
    steps = [event.step for event in events if event.kind == "progress"]
    assert steps == list(range(1, len(steps) + 1))
    run = last_run(shop)
    assert set(run.metrics["phases"]) == set(PHASES)
    assert sum(run.metrics["phases"].values()) <= run.metrics["seconds"] + 0.1


def test_run_remembers_what_it_was_made_of(shop):
    version = trained(shop, products=2, photos=2)
    run = last_run(shop)
    assert (run.status, run.phase, run.products, run.photos, run.set_aside) == ("completed", "done", 2, 4, [])
    assert run.message == "Version 1 is active."
    assert version.run == run
    assert version.backbone.startswith("efficientnet-lite0-")


def test_earlier_versions_keep_their_files(shop, tmp_path):
    first = trained(shop, products=2, photos=1)
    add_photo(shop.products.first(), seed=10)
    work()
    second = active_version(shop)
    assert (first.number, second.number) == (1, 2)
    assert first.folder != second.folder
    assert len(model_files(tmp_path)) == 10


def test_run_is_done_once_however_often_the_queue_calls_it(shop):
    stock(shop, products=2, photos=1)
    run = queued_run(shop)
    assert run_job(run.pk).status == "completed"
    assert run_job(run.pk) is None
    assert ModelVersion.objects.count() == 1


def test_same_photos_give_the_same_weights(shop):
    hashes = [trained(shop, products=3, photos=2).files["weights"]["sha256"]]
    queue.owed_run(shop, fresh=True)
    work()
    hashes.append(active_version(shop).files["weights"]["sha256"])
    ImageEmbedding.objects.all().delete()
    queue.owed_run(shop, fresh=True)
    work()
    hashes.append(active_version(shop).files["weights"]["sha256"])
    assert active_version(shop).number == 3
    assert len(set(hashes)) == 1


def test_other_photos_give_other_weights(shop):
    first = trained(shop, products=2, photos=1)
    add_photo(shop.products.first(), seed=10)
    work()
    assert active_version(shop).files["weights"]["sha256"] != first.files["weights"]["sha256"]


def test_looks_at_few_photos_are_learned_where_they_are_known():
    def learned(slug: str) -> str:
        shop = make_shop(slug, products=3, photos=1)  # draws the same photos each time
        work()
        return active_version(shop).files["weights"]["sha256"]

    first = learned("first")
    assert learned("same") == first
    ImageEmbedding.objects.update(looks=None)
    assert learned("without") != first


# --- Few photos ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("products", "photos", "sentence"),
    [
        (0, 0, "There are no usable photos yet. Add photos of at least two products."),
        (2, 0, "There are no usable photos yet. Add photos of at least two products."),
        (1, 2, "Only Product 0 has a usable photo. Add photos of at least one more product."),
    ],
)
def test_too_few_products_complete_with_a_sentence_and_no_error(shop, products, photos, sentence):
    stock(shop, products, photos)
    run = run_job(queue.owed_run(shop, fresh=True).pk)
    assert (run.status, run.message, run.error) == ("completed", sentence, "")
    assert (run.products, run.photos) == (products if photos else 0, products * photos)
    assert active_version(shop) is None
    assert queue.owed_run(shop) is None


def test_one_photo_per_product_is_enough(shop):
    version = trained(shop, products=4, photos=1)
    assert (version.products, version.photos) == (4, 4)
    answers = [recognize(shop, photo_bytes(kind, 0)).candidates[0].name for kind in range(4)]
    assert answers == [f"Product {kind}" for kind in range(4)]


def test_second_product_turns_the_sentence_into_a_model(shop):
    stock(shop, products=1, photos=1)
    work()
    assert active_version(shop) is None
    add_photo(Product.objects.create(shop=shop, sku="second", name="Second"), kind=4)
    work()
    assert active_version(shop).products == 2


def test_shop_that_lost_its_photos_keeps_its_last_model(shop):
    version = trained(shop, products=2, photos=1)
    ProductImage.objects.all().delete()
    work()
    assert last_run(shop).message.startswith("There are no usable photos")
    assert active_version(shop) == version


# --- Photos are looked at once ---------------------------------------------------------------------


def test_second_run_looks_only_at_new_photos(shop):
    products = stock(shop, products=2, photos=3)
    work()
    before = dict(ImageEmbedding.objects.values_list("pk", "vector"))
    assert len(before) == 6
    for photo in ProductImage.objects.all():  # whoever looked at one again would set it aside
        break_file(photo, None)
    add_photo(products[0], seed=10)
    work()
    assert last_run(shop).set_aside == []
    after = dict(ImageEmbedding.objects.values_list("pk", "vector"))
    assert len(after) == 7
    assert before.items() <= after.items()


def test_run_that_was_asked_for_afresh_looks_at_every_photo_again(shop):
    stock(shop, products=2, photos=2)
    work()
    good = dict(ImageEmbedding.objects.values_list("sha256", "vector"))
    spoilt = ImageEmbedding.objects.first()
    ImageEmbedding.objects.filter(pk=spoilt.pk).update(vector=bytes(len(spoilt.vector)))
    queue.owed_run(shop, fresh=True)
    work()
    assert last_run(shop).message == "Version 2 is active. 4 photos checked, all of them good."
    assert dict(ImageEmbedding.objects.values_list("sha256", "vector")) == good


def test_photo_moved_to_another_shop_is_not_looked_at_again(shop, other_shop):
    products = stock(shop, products=2, photos=2)
    work()
    for product in products:
        product.shop = other_shop
        product.save()
    for photo in ProductImage.objects.all():
        break_file(photo, None)
    work()
    assert last_run(other_shop).set_aside == []
    assert active_version(other_shop).photos == 4
