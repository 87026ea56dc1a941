"""Asking for training: what is counted, queued and owed."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.models import OrmQ

from catalog.models import Product, ProductImage
from ml_training.models import TrainingRun
from ml_training.runs import queue
from ml_training.runs.queue import Change, request_training
from ml_training.runs.reconcile import reconcile
from tests.factories import add_photo, make_shop, stock
from tests.support.training import (
    active_version,
    at_once,
    counters,
    queued_run,
    statuses,
    trained,
    work,
)

ADDED = Change("photo_added", "Oat milk")


pytestmark = pytest.mark.django_db(transaction=True)


def a_minute_passes():
    TrainingRun.objects.update(woken_at=timezone.now() - timedelta(minutes=1))


@contextmanager
def queue_down():
    """A time in which django-q2's queue takes nothing."""

    def enqueue(self, task):
        raise OperationalError("could not connect to server: Connection refused")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ORM, "enqueue", enqueue)
        yield


# --- Asking ----------------------------------------------------------------------------------------


def test_asking_twice_makes_one_queued_run_that_counts_both(shop):
    first = request_training(shop.pk, ADDED)
    second = request_training(shop.pk, ADDED)
    assert first == second
    assert counters(shop) == (2, 0)
    assert queued_run(shop).trigger == [{"kind": "photo_added", "product": "Oat milk", "count": 2}]


def test_asking_by_many_at_once_makes_one_queued_run_and_loses_no_count(shop):
    at_once([lambda: request_training(shop.pk, ADDED)] * 8)
    assert statuses(shop) == ["queued"]
    assert counters(shop) == (8, 0)
    assert queued_run(shop).trigger[0]["count"] == 8


def test_only_so_many_changes_are_named_and_the_rest_is_counted(shop):
    for number in range(queue.MAX_CHANGES_NAMED + 15):
        request_training(shop.pk, Change("photo_added", f"Product {number}"))
    request_training(shop.pk, Change("photo_added", "Product 3"))
    trigger = queued_run(shop).trigger
    assert len(trigger) == queue.MAX_CHANGES_NAMED + 1
    assert trigger[-1] == {"kind": "other", "product": "", "count": 15}
    assert trigger[3] == {"kind": "photo_added", "product": "Product 3", "count": 2}


def test_asking_for_everything_anew_makes_the_queued_run_look_at_every_photo(shop):
    request_training(shop.pk, ADDED)
    assert not queued_run(shop).fresh
    request_training(shop.pk, Change("asked"), fresh=True)
    request_training(shop.pk, ADDED)
    assert queued_run(shop).fresh


def test_queue_gets_one_task_with_the_runs_key_and_only_after_commit(shop):
    with transaction.atomic():
        run = request_training(shop.pk, ADDED)
        request_training(shop.pk, ADDED)
        assert not OrmQ.objects.exists()
    task = OrmQ.objects.get().task
    assert (task["func"], task["args"], task["kwargs"]) == ("ml_training.tasks.train", (run.pk,), {})
    assert queued_run(shop).woken_at is not None


@pytest.mark.training
def test_photo_is_saved_when_the_queue_is_down_and_the_reconciler_mends_it(shop):
    with queue_down():
        stock(shop, products=2, photos=1)
        assert ProductImage.objects.count() == 2
        assert statuses(shop) == ["queued"]
        a_minute_passes()
        assert reconcile().woken == [queued_run(shop).pk]
    assert not OrmQ.objects.exists()
    a_minute_passes()
    reconcile()
    assert work() == 1
    assert statuses(shop) == ["completed"]
    assert active_version(shop).photos == 2


# --- What is owed ----------------------------------------------------------------------------------


@pytest.mark.training
def test_nothing_is_owed_without_a_change(shop):
    assert queue.owed_run(shop) is None
    assert queue.owed_run(make_shop("new")) is None
    trained(shop, products=2, photos=1)
    assert queue.owed_run(shop) is None


def test_owed_work_is_its_queued_run_or_a_new_one(shop):
    product = Product.objects.create(shop=shop, sku="a", name="A")
    add_photo(product)
    assert queue.owed_run(shop) == queued_run(shop)
    TrainingRun.objects.all().delete()
    run = queue.owed_run(shop)
    assert run == queued_run(shop)
    assert run.trigger[0]["kind"] == "owed"


@pytest.mark.training
def test_everything_anew_is_owed_as_soon_as_it_is_asked_for(shop):
    trained(shop, products=2, photos=1)
    run = queue.owed_run(shop, fresh=True)
    assert run.fresh
    assert counters(shop) == (3, 2)
