"""The life of a run: asked for, queued, claimed by one worker, finished or failed, and told."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connections, transaction
from django.utils import timezone
from django_q.brokers.orm import ORM

from ml_training.events import ml_status_changed
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.runs import lifecycle
from ml_training.runs.complete import complete
from ml_training.runs.lifecycle import RunLost
from ml_training.runs.queue import Change, request_training
from ml_training.runs.reconcile import reconcile
from tests.factories import stock
from tests.support.training import (
    active_version,
    at_once,
    claimed,
    counters,
    last_run,
    queued_run,
    statuses,
    version_of,
    work,
)

ADDED = Change("photo_added", "Oat milk")
pytestmark = pytest.mark.django_db(transaction=True)


def stolen(run):
    """The reconciler took this run for dead and queued its work again, and another worker has begun."""
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert reconcile().given_up == [run.pk]
    return lifecycle.claim(queued_run(run.shop).pk)


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


# --- Claiming --------------------------------------------------------------------------------------


@pytest.mark.parametrize("attempt", range(3))
def test_two_workers_that_claim_at_once_have_one_winner(shop, events, attempt):
    run = request_training(shop.pk, ADDED)
    won = [found for found in at_once([lambda: lifecycle.claim(run.pk)] * 4) if found]
    assert len(won) == 1
    assert last_run(shop).worker_token == won[0].worker_token != ""
    assert [event.kind for event in events] == ["queued", "started"]


def test_claimed_run_carries_its_worker_and_the_newest_change(shop):
    request_training(shop.pk, ADDED)
    request_training(shop.pk, ADDED)
    run = lifecycle.claim(queued_run(shop).pk)
    stored = last_run(shop)
    assert (stored.status, stored.generation) == ("training", 2)
    assert stored.worker_pid
    assert stored.worker_host
    assert stored.heartbeat_at
    assert stored.started_at
    assert stored.worker_token == run.worker_token


def test_one_shop_trains_once_at_a_time_and_other_shops_beside_it(shop, other_shop):
    claimed(shop)
    waiting = request_training(shop.pk, ADDED)
    assert lifecycle.claim(waiting.pk) is None
    assert statuses(shop) == ["training", "queued"]
    assert lifecycle.claim(request_training(other_shop.pk, ADDED).pk) is not None


def test_two_runs_of_one_shop_claimed_at_once_have_one_winner(shop):
    """A worker that was given up, and the one that took over, both go for what is queued."""
    first = claimed(shop)
    second = request_training(shop.pk, ADDED)
    calls = [lambda: complete(first, None), *[lambda: lifecycle.claim(second.pk)] * 3]
    outcomes = at_once(calls)
    lifecycle.claim(second.pk)
    assert sum(run is not None for run in outcomes[1:]) <= 1
    assert statuses(shop) == ["completed", "training"]


def test_run_that_is_gone_or_done_cannot_be_claimed(shop):
    run = claimed(shop)
    assert lifecycle.claim(run.pk) is None
    complete(run, None)
    assert lifecycle.claim(run.pk) is None
    assert lifecycle.claim(run.pk + 1000) is None


def test_queued_run_for_which_nothing_is_owed_any_more_is_superseded(shop):
    run = request_training(shop.pk, ADDED)
    ShopTraining.objects.update(trained=1)
    assert lifecycle.claim(run.pk) is None
    assert statuses(shop) == ["superseded"]
    assert last_run(shop).finished_at is not None
    assert reconcile().queued == []


# --- A worker that was given up --------------------------------------------------------------------


def test_stolen_run_can_write_nothing(shop):
    run = claimed(shop)
    other = stolen(run)
    before = TrainingRun.objects.values().get(pk=run.pk)
    with pytest.raises(RunLost):
        lifecycle.beat(run, progress=0.9)
    with pytest.raises(RunLost):
        complete(run, version_of(run))
    assert lifecycle.fail(run, "No.") is False
    assert TrainingRun.objects.values().get(pk=run.pk) == before
    assert not ModelVersion.objects.exists()
    assert counters(shop) == (1, 0)
    complete(other, version_of(other))
    assert active_version(shop).run == other


def test_right_run_with_a_wrong_token_can_write_nothing(shop):
    run = claimed(shop)
    run.worker_token = "0" * 32
    with pytest.raises(RunLost):
        complete(run, version_of(run))
    assert lifecycle.fail(run, "No.") is False
    assert statuses(shop) == ["training"]
    assert active_version(shop) is None


def test_worker_heard_of_since_is_not_given_up(shop):
    run = claimed(shop)
    seen = TrainingRun.objects.get(pk=run.pk)
    lifecycle.beat(run)
    assert lifecycle.give_up(seen) is False
    assert statuses(shop) == ["training"]
    assert last_run(shop).worker_lost is False


def test_completing_and_giving_up_at_once_end_in_one_of_the_two(shop):
    run = claimed(shop)
    seen = TrainingRun.objects.get(pk=run.pk)

    def try_to_complete():
        try:
            complete(run, version_of(run))
        except RunLost:
            return "lost"
        return "completed"

    outcome, given_up = at_once([try_to_complete, lambda: lifecycle.give_up(seen)])
    assert (outcome, given_up) in {("completed", False), ("lost", True)}
    assert last_run(shop).status == ("failed" if given_up else "completed")
    assert ModelVersion.objects.count() == (0 if given_up else 1)


# --- News ------------------------------------------------------------------------------------------


def test_news_comes_after_commit_in_order_with_growing_numbers(shop, events):
    with transaction.atomic():
        request_training(shop.pk, ADDED)
        request_training(shop.pk, ADDED)
        assert not events
    run = lifecycle.claim(queued_run(shop).pk)
    request_training(shop.pk, ADDED)
    complete(run, None, "Done.")
    run = lifecycle.claim(queued_run(shop).pk)
    lifecycle.fail(run, "No.")
    kinds = [event.kind for event in events]
    assert kinds == ["queued", "started", "queued", "completed", "started", "failed"]
    numbers = [event.sequence for event in events]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == ShopTraining.objects.get(shop=shop).sequence
    assert {event.shop_id for event in events} == {shop.pk}
    assert events[3].message == "Done."
    assert events[5].message == "No. It is tried again by itself."


def test_follow_up_run_is_told_after_the_end_of_the_one_before(shop, events):
    run = claimed(shop)
    ShopTraining.objects.update(wanted=7)
    complete(run, None)
    assert [event.kind for event in events] == ["queued", "started", "completed", "queued"]
    assert events[-1].sequence > events[-2].sequence


def test_run_that_is_already_committed_can_be_read_by_whoever_hears_of_it(shop):
    seen = []

    def receive(event, **kwargs):
        with ThreadPoolExecutor(1) as pool:  # another connection sees only what has committed
            seen.append((event.kind, pool.submit(read, event).result()))

    def read(event):
        try:
            return TrainingRun.objects.get(pk=event.run_id).status
        finally:
            connections.close_all()

    ml_status_changed.connect(receive)
    try:
        run = claimed(shop)
        complete(run, None)
    finally:
        ml_status_changed.disconnect(receive)
    assert seen == [("queued", "queued"), ("started", "training"), ("completed", "completed")]


@pytest.mark.training
def test_failing_receiver_of_news_harms_neither_the_run_nor_the_others(shop):
    def fail(**kwargs):
        raise ConnectionError("The channel layer is down.")

    received = []

    def receive(event, **kwargs):
        received.append(event.kind)

    ml_status_changed.connect(fail)
    ml_status_changed.connect(receive)
    try:
        stock(shop, products=2, photos=1)
        work()
    finally:
        ml_status_changed.disconnect(fail)
        ml_status_changed.disconnect(receive)
    assert statuses(shop) == ["completed"]
    assert active_version(shop).number == 1
    assert [kind for kind in received if kind != "progress"] == ["queued", "started", "completed"]
