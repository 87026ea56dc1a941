"""A run's worker says that it lives, whatever it is busy with."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from ml_training.models import TrainingRun
from ml_training.runs.heartbeat import Heartbeat
from ml_training.runs.lifecycle import RunLost
from tests.support.training import claimed, last_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(shop, settings):
    settings.HEARTBEAT_SECONDS = 0.02
    run = claimed(shop)
    TrainingRun.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    return run


def eventually(condition, seconds=10.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def is_alive(run) -> bool:
    return last_run(run.shop).heartbeat_at > timezone.now() - timedelta(seconds=5)


def threads_of(run) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == f"heartbeat of run {run.pk}"]


def test_heart_beats_while_the_worker_computes(run):
    with Heartbeat(run) as heartbeat:
        eventually(lambda: is_alive(run))
        first = last_run(run.shop).heartbeat_at
        eventually(lambda: last_run(run.shop).heartbeat_at > first)
        heartbeat.check()


def test_heart_stops_with_the_run_even_if_that_fails(run):
    with pytest.raises(InterruptedError), Heartbeat(run):
        assert threads_of(run)
        raise InterruptedError
    assert not threads_of(run)


def test_worker_learns_that_its_run_was_taken(run):
    with Heartbeat(run) as heartbeat:
        TrainingRun.objects.update(worker_token="of another worker")

        def is_lost():
            try:
                heartbeat.check()
            except RunLost:
                return True

        eventually(is_lost)
        eventually(lambda: not threads_of(run))
    assert not is_alive(run)


def test_database_that_is_away_for_a_moment_does_not_end_the_heartbeat(run, caplog):
    table = TrainingRun._meta.db_table
    with Heartbeat(run) as heartbeat:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} RENAME TO table_that_is_away")
            try:
                eventually(lambda: "could not be written" in caplog.text)
            finally:
                cursor.execute(f"ALTER TABLE table_that_is_away RENAME TO {table}")
        eventually(lambda: is_alive(run))
        heartbeat.check()
