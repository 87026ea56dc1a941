"""A clock that is set back: nothing waits for a time that was written before."""

from datetime import timedelta

import pytest
from django.utils import timezone

from ml_training.models import TrainingRun
from ml_training.runs.clock import forget_future
from ml_training.runs.reconcile import reconcile
from tests.factories import add_photo

HOURS = timedelta(hours=2)


@pytest.fixture
def run(product):
    add_photo(product)
    return TrainingRun.objects.get(shop=product.shop)


def set_times(run, **times) -> TrainingRun:
    TrainingRun.objects.filter(pk=run.pk).update(**times)
    run.refresh_from_db()
    return run


def test_a_run_whose_worker_was_told_in_the_future_is_told_again(run):
    set_times(run, woken_at=timezone.now() + HOURS)

    assert reconcile().woken == [run.pk]


def test_a_worker_that_died_before_the_clock_was_set_back_is_given_up(run, settings):
    set_times(run, status="training", worker_host="elsewhere", heartbeat_at=timezone.now() + HOURS)
    assert reconcile().given_up == []  # it may be alive: its next heartbeat tells

    limit = timedelta(seconds=settings.HEARTBEAT_LIMIT_SECONDS)
    run.refresh_from_db()
    set_times(run, heartbeat_at=run.heartbeat_at - limit - timedelta(seconds=1))

    assert reconcile().given_up == [run.pk]


def test_a_run_that_failed_in_the_future_is_tried_again_as_soon_as_any(run):
    set_times(run, status="failed", finished_at=timezone.now() + HOURS, created_at=timezone.now() + HOURS)

    forget_future()

    run.refresh_from_db()
    assert run.finished_at <= timezone.now()
    assert run.created_at <= timezone.now()


def test_times_of_hosts_whose_clocks_differ_a_little_stay(run):
    soon = timezone.now() + timedelta(seconds=20)
    set_times(run, woken_at=soon, finished_at=soon)

    forget_future()

    run.refresh_from_db()
    assert (run.woken_at, run.finished_at) == (soon, soon)
