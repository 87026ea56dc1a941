"""Whatever is killed, the shop gets the right model without a person."""

import os
import signal

import pytest
from django.core.files.storage import default_storage
from django.db import transaction

from catalog.models import Product, ProductImage
from ml_training.models import ShopTraining, TrainingRun
from tests.factories import add_photo, make_shop
from tests.support.running.waiting import wait_until
from tests.support.running.workers import (
    MANY,
    kill,
    processes_with,
    wait_until_it_trains,
    wait_until_trained,
)

pytestmark = pytest.mark.worker
LONGER_THAN_PATIENCE = 300  # photos: a stopped worker lets a run end that needs only some seconds more


def statuses() -> list[str]:
    return list(TrainingRun.objects.order_by("pk").values_list("status", flat=True))


def test_kill_9_of_the_process_that_trains_costs_nothing_but_time(shop, many_photos, start_worker):
    start_worker()
    run = wait_until_it_trains(shop)
    add_photo(many_photos[0], kind=0, seed=1000)
    kill(run.worker_pid)
    add_photo(many_photos[1], kind=1, seed=1001)

    version = wait_until_trained(shop)
    assert version.photos == ProductImage.objects.count()
    assert statuses() == ["failed", "completed"]
    run.refresh_from_db()
    assert run.worker_lost
    assert "stopped in the middle" in run.error


def test_kill_9_of_the_whole_queue_in_a_run_is_tried_again(shop, many_photos, start_worker):
    start_worker()
    run = wait_until_it_trains(shop)
    os.killpg(os.getpgid(run.worker_pid), signal.SIGKILL)

    version = wait_until_trained(shop)
    assert version.photos == ProductImage.objects.count()
    assert statuses() == ["failed", "completed"]
    assert version.run.attempts == 2


def test_kill_9_of_an_idle_queue_worker_does_not_stop_the_queue_for_ever(db, start_worker):
    shop = make_shop("idle", products=2, photos=1)
    start_worker()
    first = wait_until_trained(shop)
    kill(first.run.worker_pid)
    add_photo(shop.products.first(), kind=0, seed=1)

    second = wait_until_trained(shop, after=first)
    assert second.photos == 3
    assert second.run.worker_pid != first.run.worker_pid


def test_sigterm_of_the_worker_in_a_run_ends_soon_and_the_run_waits_for_the_next_start(
    shop, many_photos, start_worker
):
    with transaction.atomic():
        for seed in range(1000, 1000 + LONGER_THAN_PATIENCE):
            add_photo(many_photos[0], kind=0, seed=seed)
    worker = start_worker()
    run = wait_until_it_trains(shop)
    worker.terminate()
    assert worker.wait(timeout=20) == 0
    assert statuses() == ["queued"]

    ProductImage.objects.filter(position__gt=MANY).delete()  # what made it long is not needed any more
    start_worker()
    version = wait_until_trained(shop)
    assert (version.run, version.run.attempts) == (run, 1)
    assert version.photos == ProductImage.objects.count()


def test_kill_of_the_worker_ends_its_queue_too(shop, start_worker, tmp_path):
    for kind in range(2):
        add_photo(Product.objects.create(shop=shop, sku=f"p{kind}", name=f"P{kind}"), kind, 0)
    worker = start_worker()
    wait_until_trained(shop)
    assert len(processes_with(f"DATA_DIR={tmp_path}")) > 2
    kill(worker.pid)
    worker.wait()
    wait_until(lambda: not processes_with(f"DATA_DIR={tmp_path}"), seconds=20)


def test_a_photo_whose_file_broke_is_set_aside_and_the_others_train(db, start_worker):
    shop = make_shop("broken", products=2, photos=3)
    broken, lost, *good = ProductImage.objects.all()
    with default_storage.open(broken.image.name, "wb") as file:
        file.write(b"\xff\xd8 no photo any more")
    default_storage.delete(lost.image.name)

    start_worker("qcluster")
    version = wait_until_trained(shop)
    assert version.photos == len(good)
    assert {photo["photo"] for photo in version.run.set_aside} == {broken.pk, lost.pk}
    assert ShopTraining.objects.get(shop=shop).active_version == version
