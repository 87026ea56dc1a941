"""The supervisor of the task queue: when it restarts it, and what it does with runs that it cuts short.

Flow tests show it with real workers; here a harmless process stands for the queue.
"""

import os
import subprocess
import time
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from ml_training.management.commands.worker import TaskQueue
from ml_training.models import TrainingRun
from ml_training.runs import lifecycle
from ml_training.runs.complete import complete
from ml_training.runs.queue import Change, request_training
from tests.support.training import claimed, queued_run, statuses

ADDED = Change("photo_added", "Oat milk")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue(monkeypatch, settings):
    """A task queue that does nothing, and that was started long ago."""
    settings.HEARTBEAT_LIMIT_SECONDS = 30

    def start(queue):
        queue._process = subprocess.Popen(["sleep", "60"], start_new_session=True)
        queue._started = time.monotonic() - 3600

    monkeypatch.setattr(TaskQueue, "_start", start)
    queue = TaskQueue("quick")
    queue.keep_up()
    yield queue
    queue.stop()


def waiting_for_long(shop) -> TrainingRun:
    run = request_training(shop.pk, ADDED)
    TrainingRun.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(hours=1))
    return run


def test_queue_with_nothing_to_do_does_not_stand_still(shop, queue):
    assert not queue.stands_still()
    request_training(shop.pk, ADDED)
    assert not queue.stands_still()


def test_queue_whose_run_waits_for_long_stands_still(shop, queue):
    waiting_for_long(shop)
    assert queue.stands_still()


def test_queue_that_works_does_not_stand_still(shop, other_shop, queue):
    waiting_for_long(shop)
    claimed(other_shop)
    TrainingRun.objects.filter(shop=other_shop).update(worker_pid=queue._process.pid)
    assert not queue.stands_still()


def test_work_of_another_queue_on_this_machine_is_not_its_own(shop, other_shop, queue):
    waiting_for_long(shop)
    claimed(other_shop)
    assert queue.stands_still()


def test_queue_that_has_just_ended_a_run_does_not_stand_still(shop, other_shop, queue):
    waiting_for_long(shop)
    complete(claimed(other_shop), None)
    assert not queue.stands_still()


def test_run_that_waits_for_its_own_shop_is_no_standstill(shop, queue):
    claimed(shop)
    TrainingRun.objects.update(worker_host="another host")
    waiting_for_long(shop)
    assert not queue.stands_still()


def test_queue_gets_more_time_after_each_restart_until_it_works(shop, queue):
    run = waiting_for_long(shop)
    OrmQ.objects.all().delete()
    for minutes in (1, 2, 4):
        queue._started = time.monotonic() - minutes * 60 + 5
        assert not queue.stands_still()
        queue._started = time.monotonic() - minutes * 60 - 5
        assert queue.stands_still()
        queue.restart("stands still")
    assert [row.task["args"] for row in OrmQ.objects.all()] == [(run.pk,)] * 3


def test_run_cut_short_on_purpose_waits_again_and_counts_no_try(shop, queue):
    run = claimed(shop)
    TrainingRun.objects.update(worker_pid=queue._process.pid)
    queue.stop_on_purpose()
    assert queue.has_ended()
    again = queued_run(shop)
    assert (again.pk, again.attempts, again.progress) == (run.pk, 1, 0.0)
    with pytest.raises(lifecycle.RunLost):
        complete(run, None)
    assert lifecycle.claim(run.pk).worker_token != run.worker_token


def test_run_cut_short_leaves_its_work_to_one_that_is_queued(shop, queue):
    request_training(shop.pk, ADDED, fresh=True)
    run = lifecycle.claim(queued_run(shop).pk)
    TrainingRun.objects.update(worker_pid=queue._process.pid)
    later = request_training(shop.pk, ADDED)
    queue.stop_on_purpose()
    assert statuses(shop) == ["superseded", "queued"]
    assert (queued_run(shop).pk, queued_run(shop).fresh) == (later.pk, True)
    assert not lifecycle.release(run)


def test_run_of_another_queue_is_left_alone(shop, queue):
    claimed(shop)
    assert TrainingRun.objects.get().worker_pid == os.getpid()
    queue.stop_on_purpose()
    assert statuses(shop) == ["training"]


def test_run_given_up_leaves_its_wish_to_look_at_every_photo_again_to_the_one_queued(shop):
    request_training(shop.pk, ADDED, fresh=True)
    run = lifecycle.claim(queued_run(shop).pk)
    request_training(shop.pk, ADDED)
    assert lifecycle.give_up(run)
    assert queued_run(shop).fresh
