"""The deep queue is another one than that of quick runs, and its worker is looked after like the other."""

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from ml_training import training
from ml_training.deep import runs
from ml_training.management.commands.worker import TaskQueue
from tests.ml_training.conftest import stock, trained
from tests.ml_training.deep.conftest import deep_runs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def deep_queue(monkeypatch):
    """The supervisor's view of the deep queue; no process is started for it."""
    monkeypatch.setattr(TaskQueue, "_start", lambda self: setattr(self, "_started", float("-inf")))
    return TaskQueue("deep")


def test_quick_and_deep_runs_wait_in_different_queues(shop, settings):
    trained(shop)
    runs.queue_deep(shop.pk, "promises")
    assert [row.key for row in OrmQ.objects.all()] == ["deep"]
    training.request_training(shop.pk, training.Change("asked"))
    assert sorted(row.key for row in OrmQ.objects.all()) == ["deep", settings.Q_CLUSTER["name"]]


def test_run_of_the_other_kind_does_not_make_a_queue_look_stuck(shop, deep_queue, settings):
    settings.HEARTBEAT_LIMIT_SECONDS = 0
    deep_queue._patience = deep_queue._first_patience = 0
    stock(shop)
    assert not deep_queue.stands_still()
    runs.queue_deep(shop.pk, "promises")
    assert deep_queue.stands_still()
    hour = timezone.localtime().hour
    settings.DEEP_HOURS = f"{(hour + 2) % 24}-{(hour + 3) % 24}"
    assert not deep_queue.stands_still()  # it waits for its hours


def test_deep_run_that_its_worker_gave_back_waits_without_counting_as_a_try(shop):
    trained(shop)
    run = runs.claim(runs.queue_deep(shop.pk, "promises").pk)
    assert training.release(run)
    (waiting,) = deep_runs(shop)
    assert (waiting.status, waiting.attempts) == ("queued", 1)
    assert runs.claim(waiting.pk) is not None
