"""The life of a run: asked for, queued, claimed by one worker, finished or failed, and told."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.models import OrmQ

from catalog.models import Product, ProductImage
from ml_training.events import ml_status_changed
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.runs import complete as completion
from ml_training.runs import lifecycle, queue
from ml_training.runs.complete import complete
from ml_training.runs.lifecycle import RunLost
from ml_training.runs.queue import Change, request_training
from ml_training.runs.reconcile import reconcile
from tests.factories import add_photo, make_shop, stock
from tests.support.training import (
    active_version,
    claimed,
    counters,
    last_run,
    queued_run,
    statuses,
    trained,
    work,
)

ADDED = Change("photo_added", "Oat milk")
pytestmark = pytest.mark.django_db(transaction=True)


def at_once(calls: list) -> list:
    """Make each call in a thread of its own, all at the same moment; what they return."""
    barrier = threading.Barrier(len(calls))

    def one(call):
        try:
            barrier.wait()
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def version_of(run, number=1) -> ModelVersion:
    """A version as a worker hands it over, its files left out."""
    return ModelVersion(
        shop_id=run.shop_id, number=number, run=run, backbone="b", folder="f", files={}, products=2, photos=2
    )


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


# --- Finishing -------------------------------------------------------------------------------------


def test_completed_run_activates_its_version_and_owes_nothing(shop):
    run = claimed(shop)
    complete(run, version_of(run), "All is well.")
    assert active_version(shop).run == run
    assert counters(shop) == (1, 1)
    stored = last_run(shop)
    assert (stored.status, stored.phase, stored.progress) == ("completed", "done", 1.0)
    assert (stored.message, stored.error) == ("Version 1 is active. All is well.", "")
    assert not TrainingRun.objects.filter(status__in=["queued", "training"]).exists()


def test_run_without_a_version_leaves_the_active_one_active(shop):
    run = claimed(shop)
    complete(run, version_of(run))
    run = claimed(shop)
    complete(run, None, "There are no usable photos yet.")
    assert active_version(shop).number == 1
    assert counters(shop) == (2, 2)


def test_work_that_changed_during_a_run_makes_exactly_one_follow_up_run(shop):
    run = claimed(shop)
    for _ in range(5):
        request_training(shop.pk, ADDED)
    OrmQ.objects.all().delete()
    complete(run, None)
    assert statuses(shop) == ["completed", "queued"]
    assert [row.task["args"] for row in OrmQ.objects.all()] == [(queued_run(shop).pk,)]
    complete(lifecycle.claim(queued_run(shop).pk), None)
    assert statuses(shop) == ["completed", "completed"]
    assert counters(shop) == (6, 6)


def test_owed_change_without_a_queued_run_gets_one_when_the_run_ends(shop):
    run = claimed(shop)
    ShopTraining.objects.update(wanted=7)
    complete(run, None)
    assert statuses(shop) == ["completed", "queued"]
    assert queued_run(shop).trigger[0]["kind"] == "changed_meanwhile"


def test_failed_run_says_why_and_the_active_version_stays(shop):
    run = claimed(shop)
    complete(run, version_of(run))
    run = claimed(shop)
    assert lifecycle.fail(run, "The disk is full. Make room.")
    assert last_run(shop).status == "failed"
    assert last_run(shop).error == "The disk is full. Make room. It is tried again by itself."
    assert last_run(shop).finished_at is not None
    assert active_version(shop).number == 1
    assert counters(shop) == (2, 1)


def test_version_is_judged_again_when_another_one_takes_over_meanwhile_and_nobody_waits_for_the_gate(
    shop, monkeypatch
):
    run = claimed(shop)
    complete(run, version_of(run))
    run, late = claimed(shop), TrainingRun.objects.create(shop=shop, kind="deep", status="completed")
    judge, compared = completion.find_regressions, []

    def judge_slowly(active, new):
        assert not connection.in_atomic_block  # the shop's row is free
        compared.append((active.number, new.number))
        if len(compared) == 1:
            other = version_of(late, number=2)
            other.save()
            ShopTraining.objects.update(active_version=other)
        return judge(active, new)

    monkeypatch.setattr(completion, "find_regressions", judge_slowly)
    monkeypatch.setattr(completion.version_files, "take_next_number", take_number)
    complete(run, version_of(run, number=2))
    assert compared == [(1, 2), (2, 3)]
    assert active_version(shop).number == 3
    assert active_version(shop).run == run


def take_number(version: ModelVersion) -> None:
    """What `files.take_next_number` does for a version whose files are left out."""
    version.number = completion.version_files.next_number(version.shop_id)


def test_failed_run_wakes_the_one_that_waits(shop):
    run = claimed(shop)
    request_training(shop.pk, ADDED)
    OrmQ.objects.all().delete()
    lifecycle.fail(run, "No.")
    assert statuses(shop) == ["failed", "queued"]
    assert OrmQ.objects.get().task["args"] == (queued_run(shop).pk,)


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
