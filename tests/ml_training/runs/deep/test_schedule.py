"""Deep training is queued by itself when it promises to pay, and not otherwise."""

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.hours import HoursUnreadable, is_open, read_hours
from ml_training.models import TrainingRun
from ml_training.runs import lifecycle
from ml_training.runs.deep.lifecycle import cancel, claim, queue_deep
from ml_training.runs.deep.schedule import reconcile_deep
from tests.factories import add_photo, choose, stock
from tests.support.deep import deep_runs
from tests.support.training import trained, work

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("low_threshold"),
    pytest.mark.training,
]


def ended(run: TrainingRun, hours_ago: float, status="completed") -> None:
    when = timezone.now() - timedelta(hours=hours_ago)
    TrainingRun.objects.filter(pk=run.pk).update(status=status, started_at=when, finished_at=when)


def test_shop_with_enough_photos_gets_a_deep_run_once(shop):
    trained(shop)
    (run_id,) = reconcile_deep()
    assert [run.pk for run in deep_runs(shop)] == [run_id]
    assert reconcile_deep() == []


def test_shop_without_a_model_or_with_work_owed_waits_for_its_quick_run(shop):
    stock(shop)
    assert reconcile_deep() == []
    work()
    assert len(reconcile_deep()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEEP_PRODUCTS", 4),
        ("DEEP_PRODUCT_PHOTOS", 3),
        ("DEEP_PHOTOS", 7),
        ("DEEP_TRAINING", "off"),
        ("BACKBONE_FILE", "own.json"),
    ],
)
def test_nothing_is_queued_that_does_not_promise_to_pay(shop, settings, name, value):
    trained(shop)
    setattr(settings, name, value)
    assert reconcile_deep() == []


def test_next_one_waits_for_the_interval_and_for_new_photos(shop, settings):
    trained(shop)
    settings.DEEP_INTERVAL_HOURS, settings.DEEP_NEW_PERCENT = 24, 20
    (run_id,) = reconcile_deep()
    ended(TrainingRun.objects.get(pk=run_id), hours_ago=30)
    assert len(reconcile_deep()) == 1  # all photos were added after it started

    last = deep_runs(shop)[-1]
    ended(last, hours_ago=2)
    assert reconcile_deep() == []  # the interval is not over

    shop.products.first().images.model.objects.update(added_at=timezone.now() - timedelta(hours=40))
    ended(last, hours_ago=30)
    assert reconcile_deep() == []  # nothing is new
    for seed in (7, 8):
        add_photo(shop.products.first(), 0, seed)
    work()
    assert len(reconcile_deep()) == 1


def test_run_of_a_dead_worker_is_queued_again_and_counts_only_tries_that_came_to_nothing(shop):
    trained(shop)
    reconcile_deep()
    for accuracy, attempts in [(None, 2), (0.5, 1), (None, 2), (None, 3)]:
        run = claim(deep_runs(shop)[-1].pk)
        lifecycle.beat(run, metrics={"accuracy": accuracy})
        run.refresh_from_db()
        assert lifecycle.give_up(run)
        (again,) = reconcile_deep()
        assert TrainingRun.objects.get(pk=again).attempts == attempts
    assert lifecycle.give_up(claim(deep_runs(shop)[-1].pk))
    assert reconcile_deep() == []  # three times in a row it got nowhere


def test_waiting_run_whose_task_was_lost_is_woken(shop):
    trained(shop)
    (run_id,) = reconcile_deep()
    assert reconcile_deep() == []
    TrainingRun.objects.filter(pk=run_id).update(woken_at=timezone.now() - timedelta(minutes=5))
    assert reconcile_deep() == [run_id]


def test_outside_its_hours_nothing_is_queued_or_claimed(shop, settings):
    trained(shop)
    (run_id,) = reconcile_deep()
    hour = timezone.localtime().hour
    settings.DEEP_HOURS = f"{(hour + 2) % 24}-{(hour + 3) % 24}"
    assert claim(run_id) is None
    assert claim(run_id, at_any_hour=True) is not None
    ended(TrainingRun.objects.get(pk=run_id), hours_ago=1000)
    assert reconcile_deep() == []


def test_shop_has_hours_of_its_own(shop, other_shop, settings):
    """They go before those of the installation, whether these are open or not."""
    hour = timezone.localtime().hour
    now, later = f"{hour}-{(hour + 2) % 24}", f"{(hour + 2) % 24}-{(hour + 3) % 24}"
    for each, hours in ((shop, later), (other_shop, now)):
        choose(each, deep_hours=hours)
        trained(each)
    (run_id,) = reconcile_deep()
    assert TrainingRun.objects.get(pk=run_id).shop == other_shop
    settings.DEEP_HOURS = later
    assert claim(queue_deep(shop.pk, "promises").pk) is None
    assert claim(run_id) is not None


def test_hours_that_cannot_be_read_stop_deep_training_of_that_shop_only(shop, other_shop):
    for each in (shop, other_shop):
        trained(each)
    choose(shop, deep_hours="at night")  # past the form
    (run_id,) = reconcile_deep()
    assert TrainingRun.objects.get(pk=run_id).shop == other_shop


@pytest.mark.parametrize(("name", "value"), [("DEEP_TRAINING", "off"), ("BACKBONE_FILE", "own.json")])
def test_what_waits_when_deep_training_is_turned_off_is_cancelled(shop, settings, name, value):
    trained(shop)
    reconcile_deep()
    TrainingRun.objects.filter(kind="deep").update(created_at=timezone.now() - timedelta(minutes=5))
    setattr(settings, name, value)
    reconcile_deep()
    (run,) = deep_runs(shop)
    assert (run.status, run.message) == ("cancelled", "Cancelled: deep training was turned off.")


def test_what_was_turned_off_before_it_began_is_queued_when_it_is_turned_on_again(shop, settings):
    trained(shop)
    reconcile_deep()
    TrainingRun.objects.filter(kind="deep").update(created_at=timezone.now() - timedelta(minutes=5))
    settings.DEEP_TRAINING = "off"
    reconcile_deep()
    settings.DEEP_TRAINING = "auto"
    (run_id,) = reconcile_deep()
    assert [run.status for run in deep_runs(shop)] == ["cancelled", "queued"]
    assert cancel(shop)  # somebody who cancels it means it
    assert reconcile_deep() == []
    assert TrainingRun.objects.get(pk=run_id).status == "cancelled"


def test_run_that_a_command_begins_is_not_called_off(shop, settings):
    trained(shop)
    settings.DEEP_TRAINING = "off"
    queued, reconciled = queue_deep(shop.pk, "asked_deep"), reconcile_deep()
    assert reconciled == []
    assert claim(queued.pk) is not None
    TrainingRun.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    reconcile_deep()
    assert deep_runs(shop)[0].status == "training"


def test_count_of_queries_does_not_grow_with_products(shop, django_assert_max_num_queries):
    trained(shop)
    reconcile_deep()
    with django_assert_max_num_queries(7):
        reconcile_deep()


@pytest.mark.parametrize(
    ("text", "hour", "expected"),
    [
        ("", 12, True),
        ("20-6", 23, True),
        ("20-6", 5, True),
        ("20-6", 6, False),
        ("8-17", 8, True),
        ("8-17", 17, False),
    ],
)
def test_hours_may_go_over_midnight(text, hour, expected):
    now = timezone.make_aware(timezone.datetime(2026, 3, 1, hour, 30))
    assert is_open(text, now) is expected


@pytest.mark.parametrize("text", ["20", "a-b", "20-25", "6-6", "-5-3"])
def test_hours_that_cannot_be_read_are_named(text):
    with pytest.raises(HoursUnreadable, match=r"must"):
        read_hours(text)
