"""Photos that are broken, vanish or stand twice: no run fails for them."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from catalog.models import ProductImage
from ml_training.models import ImageEmbedding, TrainingRun
from ml_training.recognition.recognize import recognize
from ml_training.runs import queue
from ml_training.runs.quick import run_job
from ml_training.runs.reconcile import reconcile
from tests.factories import add_photo, photo_bytes, stock
from tests.support.training import (
    active_version,
    during,
    last_run,
    queued_run,
    statuses,
    work,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


def break_file(photo: ProductImage, content: bytes | None) -> None:
    """Change a stored photo behind the catalogue's back; None deletes it."""
    name = photo.image.name
    default_storage.delete(name)
    if content is not None:
        Path(default_storage.path(name)).write_bytes(content)


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


def test_run_fails_with_a_sentence_when_this_computer_does_not_see_the_photos(shop):
    """A disk that is not mounted, or another host: nobody is told to delete good photos."""
    products = stock(shop, products=2, photos=4)
    work()
    version = active_version(shop)
    new = [add_photo(products[0], 0, seed) for seed in range(20, 24)]
    for photo in new:
        break_file(photo, None)
    work()
    run = last_run(shop)
    assert run.status == "failed"
    assert "4 of 4 photo files are not on this computer" in run.error
    assert "Check that the disk is there" in run.error
    assert "elete" not in run.error
    assert active_version(shop) == version, "the model in use stays"


def test_a_run_waits_for_its_photos_as_long_as_it_takes(shop, settings):
    products = stock(shop, products=2, photos=4)
    work()
    new = {photo: photo.image.read() for photo in (add_photo(products[0], 0, seed) for seed in range(20, 24))}
    for photo in new:
        break_file(photo, None)
    for attempt in range(1, settings.MAX_ATTEMPTS + 3):
        work()
        run = last_run(shop)
        assert (run.status, run.attempts) == ("failed", attempt)
        assert run.error.endswith("It is tried again by itself.")
        assert run.error.count("tried again") == 1
        TrainingRun.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(hours=1))
        reconcile()
    for photo, data in new.items():
        break_file(photo, data)
    work()
    assert last_run(shop).status == "completed"
    assert active_version(shop).photos == 12


def test_photo_whose_file_is_absent_is_not_to_be_deleted(shop):
    products = stock(shop, products=2, photos=2)
    break_file(products[0].images.first(), None)
    work()
    (aside,) = last_run(shop).set_aside
    assert "missing on the computer that trains" in aside["reason"]
    assert "elete" not in aside["reason"]
