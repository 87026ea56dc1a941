"""What a crash leaves is found and mended, without a person."""

import socket
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from ml_training import tasks
from ml_training.models import ShopTraining, TrainingRun
from ml_training.recognizer.export import ModelFile
from ml_training.runs import lifecycle
from ml_training.runs.complete import complete
from ml_training.runs.queue import Change, request_training
from ml_training.runs.reconcile import RETRY_AFTER_SECONDS, WAKE_AFTER_SECONDS, reconcile
from ml_training.versions import files as version_files
from tests.support.training import claimed, counters, last_run, queued_run, statuses

ADDED = Change("photo_added", "Oat milk")
pytestmark = pytest.mark.django_db(transaction=True)


def ago(seconds: float):
    return timezone.now() - timedelta(seconds=seconds)


def silence(run, settings):
    """Let the run's last heartbeat be too long ago."""
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=ago(settings.HEARTBEAT_LIMIT_SECONDS + 1))


def ended_process() -> int:
    """The id of a process that ran and is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def failed(shop, seconds_ago: float, attempts: int = 1):
    run = claimed(shop)
    lifecycle.fail(run, "The disk is full.")
    TrainingRun.objects.filter(pk=run.pk).update(finished_at=ago(seconds_ago), attempts=attempts)
    return run


def test_worker_whose_heart_stopped_is_given_up_and_its_work_queued_again(shop, settings):
    request_training(shop.pk, ADDED, fresh=True)
    run = lifecycle.claim(queued_run(shop).pk)
    silence(run, settings)
    done = reconcile()
    again = queued_run(shop)
    assert (done.given_up, done.queued) == ([run.pk], [again.pk])
    assert statuses(shop) == ["failed", "queued"]
    assert (again.attempts, again.fresh, again.trigger) == (2, True, run.trigger)
    lost = TrainingRun.objects.get(pk=run.pk)
    assert lost.worker_lost
    assert "worker stopped" in lost.error
    assert OrmQ.objects.last().task["args"] == (again.pk,)


def test_worker_whose_process_is_gone_is_given_up_at_once(shop):
    run = claimed(shop)
    TrainingRun.objects.update(worker_pid=ended_process())
    assert reconcile().given_up == [run.pk]
    assert queued_run(shop).attempts == 2


def test_process_of_another_host_is_not_looked_for_here(shop):
    claimed(shop)
    TrainingRun.objects.update(worker_pid=ended_process(), worker_host=f"not-{socket.gethostname()}")
    assert reconcile().given_up == []
    assert statuses(shop) == ["training"]


def test_living_worker_is_left_alone(shop):
    run = claimed(shop)
    TrainingRun.objects.update(heartbeat_at=ago(20))
    done = reconcile()
    assert (done.given_up, done.queued, done.woken) == ([], [], [])
    complete(run, None)


def test_work_that_kills_its_worker_ends_after_so_many_attempts(shop, settings):
    settings.MAX_ATTEMPTS = 3
    run = claimed(shop)
    for attempt in (2, 3):
        silence(run, settings)
        reconcile()
        run = lifecycle.claim(queued_run(shop).pk)
        assert run.attempts == attempt
    silence(run, settings)
    done = reconcile()
    assert (done.given_up, done.queued) == ([run.pk], [])
    assert statuses(shop) == ["failed"] * 3
    assert counters(shop) == (1, 0)  # the work is still owed, and a change of photos begins anew
    assert "not tried again" in last_run(shop).error
    assert request_training(shop.pk, ADDED).attempts == 1


def test_files_of_a_worker_that_died_before_it_published_are_removed(shop, settings, tmp_path):
    run = claimed(shop)
    folder = version_files.folder_of(run)
    version_files.store(folder, {"weights": ModelFile("weights.safetensors", b"half a model", "0" * 64)})
    assert (tmp_path / "models" / folder).exists()
    silence(run, settings)
    reconcile()
    assert not (tmp_path / "models" / folder).exists()


@pytest.mark.parametrize(("attempts", "wait"), [(1, RETRY_AFTER_SECONDS), (2, 2 * RETRY_AFTER_SECONDS)])
def test_failed_run_is_tried_again_after_a_while_that_grows(shop, attempts, wait):
    failed(shop, wait - 5, attempts)
    assert reconcile().queued == []
    TrainingRun.objects.update(finished_at=ago(wait + 1))
    assert reconcile().queued == [queued_run(shop).pk]
    assert queued_run(shop).attempts == attempts + 1


def test_failed_run_is_not_tried_for_ever(shop, settings):
    failed(shop, 3600, attempts=settings.MAX_ATTEMPTS)
    assert reconcile().queued == []
    assert statuses(shop) == ["failed"]


def test_photos_that_changed_after_the_last_attempt_are_trained_at_once(shop, settings):
    failed(shop, 0, attempts=settings.MAX_ATTEMPTS)
    ShopTraining.objects.update(wanted=2)
    assert reconcile().queued == [queued_run(shop).pk]
    assert queued_run(shop).attempts == 1


def test_worker_given_up_while_a_run_waits_wakes_that_one_and_makes_no_third(shop, settings):
    run = claimed(shop)
    waiting = request_training(shop.pk, ADDED)
    OrmQ.objects.all().delete()
    silence(run, settings)
    assert reconcile().queued == []
    assert statuses(shop) == ["failed", "queued"]
    assert OrmQ.objects.get().task["args"] == (waiting.pk,)


def test_owed_work_without_any_run_is_queued(shop, other_shop):
    ShopTraining.objects.create(shop=shop, wanted=3, trained=1)
    ShopTraining.objects.create(shop=other_shop, wanted=3, trained=3)
    assert reconcile().queued == [queued_run(shop).pk]
    assert queued_run(shop).trigger[0]["kind"] == "owed"
    assert statuses(other_shop) == []


def test_queued_run_whose_task_was_lost_is_woken(shop):
    run = request_training(shop.pk, ADDED)
    OrmQ.objects.all().delete()
    assert reconcile().woken == []
    TrainingRun.objects.update(woken_at=ago(WAKE_AFTER_SECONDS + 1))
    assert reconcile().woken == [run.pk]
    assert OrmQ.objects.get().task["args"] == (run.pk,)


def test_queued_run_that_nobody_was_ever_told_of_is_woken(shop):
    run = request_training(shop.pk, ADDED)
    TrainingRun.objects.update(woken_at=None)
    assert reconcile().woken == [run.pk]


def test_run_that_waits_for_the_one_before_it_is_not_woken(shop):
    claimed(shop)
    request_training(shop.pk, ADDED)
    TrainingRun.objects.update(woken_at=ago(3600))
    assert reconcile().woken == []


def test_second_call_finds_nothing_to_mend(shop, other_shop, settings):
    silence(claimed(shop), settings)
    ShopTraining.objects.create(shop=other_shop, wanted=1)
    first = reconcile()
    assert first.given_up
    assert len(first.queued) == 2
    second = reconcile()
    assert (second.given_up, second.queued, second.woken) == ([], [], [])


@pytest.mark.django_db
def test_queue_calls_the_reconciler_every_minute():
    schedule = Schedule.objects.get(func="ml_training.tasks.reconcile")
    assert (schedule.schedule_type, schedule.minutes, schedule.repeats) == ("I", 1, -1)


def test_task_of_the_schedule_reconciles(shop):
    ShopTraining.objects.create(shop=shop, wanted=1)
    tasks.reconcile()
    assert statuses(shop) == ["queued"]
