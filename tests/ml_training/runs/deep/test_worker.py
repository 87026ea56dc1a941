"""The deep queue is another one than that of quick runs: there while it has work, and then looked after."""

import signal
import subprocess

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from ml_training.management.commands import worker
from ml_training.models import TrainingRun
from ml_training.runs import lifecycle, queue
from ml_training.runs.complete import complete
from ml_training.runs.deep import lifecycle as deep_lifecycle
from tests.factories import choose, stock
from tests.support.deep import deep_runs
from tests.support.training import trained

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("low_threshold")]


@pytest.fixture
def deep_queue(monkeypatch):
    """The supervisor's view of the deep queue, whose process does nothing and was started long ago."""

    def start(queue):
        queue._process = subprocess.Popen(["sleep", "60"], start_new_session=True)
        queue._started = float("-inf")

    monkeypatch.setattr(worker.TaskQueue, "_start", start)
    queue = worker.TaskQueue("deep")
    yield queue
    queue.stop()


@pytest.fixture
def other_hour():
    """Hours that do not include this one."""
    hour = timezone.localtime().hour
    return f"{(hour + 2) % 24}-{(hour + 3) % 24}"


@pytest.mark.training
def test_quick_and_deep_runs_wait_in_different_queues(shop, settings):
    trained(shop)
    deep_lifecycle.queue_deep(shop.pk, "promises")
    assert [row.key for row in OrmQ.objects.all()] == ["deep"]
    queue.request_training(shop.pk, queue.Change("asked"))
    assert sorted(row.key for row in OrmQ.objects.all()) == ["deep", settings.Q_CLUSTER["name"]]


def test_run_of_the_other_kind_does_not_make_a_queue_look_stuck(shop, deep_queue, settings, other_hour):
    deep_queue._start()
    deep_queue._patience = deep_queue._first_patience = 0
    stock(shop)
    assert not deep_queue.stands_still()
    deep_lifecycle.queue_deep(shop.pk, "promises")
    assert deep_queue.stands_still()
    settings.DEEP_HOURS = other_hour
    assert not deep_queue.stands_still()  # it waits for its hours


def test_deep_queue_is_there_while_a_run_waits_or_trains(shop, deep_queue, monkeypatch):
    monkeypatch.setattr(worker, "LINGER_SECONDS", 0)
    stock(shop)
    deep_queue.keep_up()
    assert deep_queue._process is None
    run = deep_lifecycle.queue_deep(shop.pk, "promises")
    OrmQ.objects.all().delete()
    deep_queue.keep_up()
    process = deep_queue._process
    assert process.poll() is None
    assert [row.task["args"] for row in OrmQ.objects.all()] == [(run.pk,)]  # woken, should its task be lost
    run = deep_lifecycle.claim(run.pk)
    TrainingRun.objects.filter(pk=run.pk).update(worker_pid=process.pid)
    deep_queue.keep_up()
    assert process.poll() is None
    complete(run, None, "Nothing came of it.")
    deep_queue.keep_up()
    assert (deep_queue._process, process.poll()) == (None, -signal.SIGTERM)
    deep_queue.stop_on_purpose()  # as the worker does at its end; there is nothing to stop


def test_deep_queue_stays_a_while_when_its_work_is_done(shop, deep_queue):
    stock(shop)
    run = deep_lifecycle.queue_deep(shop.pk, "promises")
    deep_queue.keep_up()
    complete(deep_lifecycle.claim(run.pk), None, "Nothing came of it.")
    deep_queue.keep_up()
    assert deep_queue._process.poll() is None


def test_deep_queue_that_died_at_work_is_started_again(shop, deep_queue):
    stock(shop)
    run = deep_lifecycle.queue_deep(shop.pk, "promises")
    deep_queue.keep_up()
    died = deep_queue._process
    run = deep_lifecycle.claim(run.pk)
    died.kill()
    died.wait()
    assert lifecycle.give_up(run)
    queue.queue_again(run)
    deep_queue.keep_up()
    assert deep_queue._process is not died
    assert deep_queue._process.poll() is None


def test_deep_run_of_a_command_on_this_machine_needs_no_queue(shop, deep_queue):
    stock(shop)
    deep_lifecycle.claim(deep_lifecycle.queue_deep(shop.pk, "asked_deep").pk)
    deep_queue.keep_up()
    assert deep_queue._process is None


def test_no_deep_queue_is_started_outside_its_hours(shop, deep_queue, other_hour):
    stock(shop)
    deep_lifecycle.queue_deep(shop.pk, "promises")
    choose(shop, deep_hours=other_hour)
    deep_queue.keep_up()
    assert deep_queue._process is None


@pytest.mark.training
def test_deep_run_that_its_worker_gave_back_waits_without_counting_as_a_try(shop):
    trained(shop)
    run = deep_lifecycle.claim(deep_lifecycle.queue_deep(shop.pk, "promises").pk)
    assert lifecycle.release(run)
    (waiting,) = deep_runs(shop)
    assert (waiting.status, waiting.attempts) == ("queued", 1)
    assert deep_lifecycle.claim(waiting.pk) is not None
