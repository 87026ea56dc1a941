"""A run from claim to active version, on real photos with the real recogniser."""

from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from catalog.models import Product, ProductImage
from ml_training.events import COMPLETED, ml_status_changed
from ml_training.models import ImageEmbedding, ModelVersion, TrainingRun
from ml_training.recognition.recognize import recognize
from ml_training.runs import queue
from ml_training.runs.quick import run_job
from tests.factories import add_photo, photo_bytes, stock
from tests.support.training import (
    active_version,
    counters,
    last_run,
    model_files,
    queued_run,
    statuses,
    trained,
    work,
)

PHASES = ["preparing", "embedding", "fitting", "evaluating", "publishing"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


def during(phase: str, act):
    """For `run_job`: do something once, when the run has got to a phase."""
    done = []

    def on_change(run):
        if run.phase == phase and not done:
            done.append(run)
            act()

    return on_change


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
    assert len(model_files(tmp_path)) == 8


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


# --- Bad photos ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "missing"),
        (b"", "changed"),
        (b"no photo at all", "changed"),
        (photo_bytes(5, 5)[:900], "changed"),
        (photo_bytes(5, 5), "changed"),  # a good photo, and not the one that was added
    ],
)
def test_photo_broken_after_upload_is_set_aside_and_named_and_the_run_completes(shop, content, reason):
    products = stock(shop, products=2, photos=2)
    photo = products[1].images.last()
    break_file(photo, content)
    work()
    run = last_run(shop)
    assert (run.status, run.photos, run.products) == ("completed", 3, 2)
    (aside,) = run.set_aside
    assert (aside["photo"], aside["filename"]) == (photo.pk, "photo-1-1.jpg")
    assert (aside["product"], aside["sku"]) == (products[1].pk, products[1].sku)
    assert reason in aside["reason"]
    assert "1 set aside" in run.message
    assert not ImageEmbedding.objects.filter(sha256=photo.sha256).exists()
    assert active_version(shop).photos == 3


def test_product_whose_photos_are_all_broken_is_left_out_and_the_others_train(shop):
    products = stock(shop, products=3, photos=2)
    for photo in products[0].images.all():
        break_file(photo, b"broken")
    work()
    assert len(last_run(shop).set_aside) == 2
    assert active_version(shop).products == 2
    names = {candidate.name for candidate in recognize(shop, photo_bytes(0)).candidates}
    assert names == {"Product 1", "Product 2"}


def test_all_photos_broken_completes_with_a_sentence(shop):
    stock(shop, products=2, photos=1)
    for photo in ProductImage.objects.all():
        break_file(photo, None)
    work()
    run = last_run(shop)
    assert (run.status, len(run.set_aside)) == ("completed", 2)
    assert run.message.startswith("There are no usable photos")


def test_photo_that_is_mended_is_taken_at_the_next_run(shop):
    products = stock(shop, products=2, photos=2)
    photo = products[0].images.first()
    good = photo.image.read()
    break_file(photo, b"broken")
    work()
    break_file(photo, good)
    queue.owed_run(shop, fresh=True)
    work()
    assert last_run(shop).set_aside == []
    assert active_version(shop).photos == 4


def test_photo_found_bad_when_all_are_checked_stays_aside_in_later_runs(shop):
    products = stock(shop, products=2, photos=2)
    work()
    photo = products[0].images.first()
    break_file(photo, b"broken")
    queue.owed_run(shop, fresh=True)
    work()
    assert [aside["photo"] for aside in last_run(shop).set_aside] == [photo.pk]
    add_photo(products[1], seed=10, kind=1)
    work()
    assert [aside["photo"] for aside in last_run(shop).set_aside] == [photo.pk]
    assert active_version(shop).photos == 4


def test_files_that_vanish_after_they_were_seen_fail_no_run(shop):
    products = stock(shop, products=2, photos=2)
    work()
    for photo in ProductImage.objects.all():
        break_file(photo, None)
    add_photo(products[0], seed=10)
    work()
    assert statuses(shop) == ["completed", "completed"]
    assert active_version(shop).photos == 5


def test_photo_deleted_in_the_middle_of_a_run_fails_nothing_and_the_next_run_is_without_it(shop):
    stock(shop, products=2, photos=2)
    photo = ProductImage.objects.order_by("pk").first()
    run = run_job(queued_run(shop).pk, on_change=during("fitting", photo.delete))
    assert run.status == "completed"
    work()
    assert statuses(shop) == ["completed", "completed"]
    assert active_version(shop).photos == 3


def test_same_photo_on_two_products_trains_and_is_looked_at_once(shop):
    products = stock(shop, products=3, photos=1)
    add_photo(products[1], data=photo_bytes(0, 0))
    work()
    assert (last_run(shop).status, last_run(shop).photos) == ("completed", 4)
    assert ImageEmbedding.objects.count() == 3


def test_same_photo_on_two_products_is_read_from_either_file(shop):
    products = stock(shop, products=2, photos=1)
    copy = add_photo(products[1], data=photo_bytes(0, 0))
    for photo in (products[0].images.get(), copy):
        good = photo.image.read()
        break_file(photo, None)
        ImageEmbedding.objects.all().delete()
        queue.owed_run(shop, fresh=True)
        work()
        assert last_run(shop).set_aside == []
        assert last_run(shop).photos == 3
        break_file(photo, good)


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


# --- Things that happen in the middle --------------------------------------------------------------


def test_photos_changed_in_the_middle_of_a_run_make_exactly_one_follow_up_run(shop):
    products = stock(shop, products=2, photos=1)

    def change():
        for seed in range(10, 13):
            add_photo(products[0], seed=seed)

    run_job(queued_run(shop).pk, on_change=during("fitting", change))
    assert statuses(shop) == ["completed", "queued"]
    assert active_version(shop).photos == 2
    work()
    assert statuses(shop) == ["completed", "completed"]
    assert active_version(shop).photos == 5
    assert counters(shop) == (5, 5)


@pytest.mark.parametrize("phase", ["preparing", "fitting", "publishing"])
def test_worker_that_lost_its_run_publishes_nothing_and_leaves_no_files(shop, tmp_path, phase):
    first = trained(shop, products=2, photos=1)
    files = model_files(tmp_path)
    add_photo(shop.products.first(), seed=10)
    run = run_job(queued_run(shop).pk, on_change=during(phase, lambda: steal(shop)))
    assert run.status == "training"  # of the worker that has it now
    assert active_version(shop) == first
    assert ModelVersion.objects.count() == 1
    assert model_files(tmp_path) == files
    assert counters(shop) == (3, 2)


@pytest.mark.parametrize("phase", ["embedding", "publishing"])
def test_shop_deleted_in_the_middle_of_a_run_leaves_nothing_behind(other_shop, tmp_path, phase):
    trained(other_shop, products=2, photos=1)
    add_photo(other_shop.products.first(), seed=10)
    pk = other_shop.pk
    run = run_job(queued_run(other_shop).pk, on_change=during(phase, other_shop.delete))
    assert run is None
    assert not TrainingRun.objects.exists()
    assert not ModelVersion.objects.exists()
    assert not (tmp_path / "models" / str(pk)).exists()
    assert work() == 1  # the task that this run was queued with
    assert not TrainingRun.objects.exists()


def test_run_that_cannot_store_its_files_fails_with_a_sentence_and_the_last_model_serves(shop, tmp_path):
    version = trained(shop, products=2, photos=1)
    files = model_files(tmp_path)
    storage = tmp_path / "models"
    storage.rename(tmp_path / "aside")
    storage.write_text("a file where the folder should be")
    add_photo(shop.products.first(), seed=10)
    work()
    run = last_run(shop)
    assert run.status == "failed"
    assert run.error.startswith("Training stopped: ")
    assert "tried again by itself" in run.error
    assert active_version(shop) == version
    assert counters(shop) == (3, 2)
    storage.unlink()
    (tmp_path / "aside").rename(storage)
    assert model_files(tmp_path) == files


def test_last_attempt_does_not_promise_another_one(shop, tmp_path, settings):
    settings.MAX_ATTEMPTS = 1
    stock(shop, products=2, photos=1)
    (tmp_path / "models").write_text("a file where the folder should be")
    work()
    assert last_run(shop).status == "failed"
    assert "not tried again by itself" in last_run(shop).error
    (tmp_path / "models").unlink()


def test_run_stopped_by_the_queue_fails_at_once_and_leaves_no_files(shop, tmp_path):
    """django-q2 ends a task that takes too long by raising a SystemExit in it."""
    stock(shop, products=2, photos=1)

    def stop():
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        run_job(queued_run(shop).pk, on_change=during("publishing", stop))
    assert last_run(shop).status == "failed"
    assert "stopped before it was done" in last_run(shop).error
    assert model_files(tmp_path) == []


def test_worker_stopped_after_it_published_keeps_the_files(shop, tmp_path):
    stock(shop, products=2, photos=1)

    def stop(event, **kwargs):
        if event.kind == COMPLETED:
            raise SystemExit(1)

    ml_status_changed.connect(stop)
    try:
        with pytest.raises(SystemExit):
            run_job(queued_run(shop).pk)
    finally:
        ml_status_changed.disconnect(stop)
    assert statuses(shop) == ["completed"]
    assert len(model_files(tmp_path)) == 4
    assert recognize(shop, photo_bytes(0)).version == 1
