"""How runs end: with a version, without one, judged again, or failed."""

import pytest
from django.db import connection
from django_q.models import OrmQ

from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.runs import complete as completion
from ml_training.runs import lifecycle
from ml_training.runs.complete import complete
from ml_training.runs.queue import Change, request_training
from tests.support.training import (
    active_version,
    claimed,
    counters,
    last_run,
    queued_run,
    statuses,
    version_of,
)

ADDED = Change("photo_added", "Oat milk")


pytestmark = pytest.mark.django_db(transaction=True)


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
