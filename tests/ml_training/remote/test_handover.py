"""What becomes of a run by what its trainer answers. The trainer's side is a server with a set answer."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from ml_training.models import RunToken, TrainingRun
from ml_training.remote.handover import hand_over
from ml_training.runs.reconcile import reconcile
from ml_training.status.shop import training_info
from tests.factories import stock
from tests.support.running.outside import Outside
from tests.support.running.processes import TOKEN
from tests.support.training import last_run, model_files, queued_run, statuses, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


@pytest.fixture(autouse=True)
def public_url(settings):
    settings.PUBLIC_URL, settings.ML_TRAINER_TOKEN = "https://shop.example", TOKEN


def test_accepted_run_is_described_completely_and_its_trainer_is_the_heartbeat(shop, settings):
    stock(shop)
    with Outside(202) as trainer:
        settings.ML_TRAINER_URL = trainer.url
        work()
    path, headers, _ = trainer.requests[0]
    run, job = last_run(shop), trainer.sent
    assert (path, headers["Authorization"]) == ("/v1/train", f"Bearer {TOKEN}")
    assert (run.status, run.phase, run.trainer, run.worker_pid) == ("training", "waiting", trainer.host, None)
    assert (job["format"], job["shop"], job["run"]) == ("shelfsight-train/1", shop.pk, run.pk)
    assert job["webhook_url"] == f"https://shop.example/v1/runs/{run.pk}/status"
    assert job["completion_url"] == "https://shop.example/graphql/"
    assert job["token"].startswith("shr_")
    assert job["token"] not in str(RunToken.objects.values().get())


@pytest.mark.parametrize(
    ("status", "said"), [(409, "still training this shop"), (503, "no room"), (500, "no room")]
)
def test_trainer_without_room_gets_the_run_again_later(shop, settings, events, tmp_path, status, said):
    stock(shop)
    run = queued_run(shop)
    with Outside(status) as trainer:
        settings.ML_TRAINER_URL = trainer.url
        work()
        run.refresh_from_db()
        assert (run.status, run.attempts, run.trainer) == ("queued", 1, "")
        assert said in run.message
        assert said in training_info(shop).message
        assert not reconcile().woken  # not at once
        hand_over(run.pk)  # told to pages only once, however often it is tried
        assert [event.kind for event in events].count("queued") == 2
        assert model_files(tmp_path) == []
        assert not RunToken.objects.exists()  # the trainer may have kept it, and has no run
        TrainingRun.objects.update(woken_at=timezone.now() - timedelta(seconds=60))
        assert reconcile().woken == [run.pk]
        trainer.status = 202
        work()
    assert statuses(shop) == ["training"]


def test_unreachable_trainer_gets_the_run_again_later(shop, settings):
    stock(shop)
    settings.ML_TRAINER_URL = "http://127.0.0.1:1"
    work()
    assert last_run(shop).status == "queued"
    assert "cannot be reached" in last_run(shop).message


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_trainer_that_refuses_fails_the_run_with_what_it_said(shop, settings, status):
    stock(shop)
    with Outside(status, b"wrong token") as trainer:
        settings.ML_TRAINER_URL = trainer.url
        work()
    run = last_run(shop)
    assert run.status == "failed"
    assert f"{status}: wrong token" in run.error
    assert "ML_TRAINER_TOKEN" in run.error


def test_redirect_is_not_followed(shop, settings):
    stock(shop)
    with Outside() as elsewhere, Outside(307, Location=elsewhere.url + "/v1/train") as trainer:
        settings.ML_TRAINER_URL = trainer.url
        work()
    assert last_run(shop).status == "failed"
    assert elsewhere.requests == []


def test_proxies_of_the_environment_are_not_used(shop, settings, monkeypatch):
    stock(shop)
    with Outside(202) as proxy, Outside(202) as trainer:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        settings.ML_TRAINER_URL = trainer.url
        work()
    assert (len(proxy.requests), len(trainer.requests)) == (0, 1)


def test_run_that_its_trainer_has_outlives_the_worker_that_handed_it_over(shop, settings):
    stock(shop)
    settings.ML_TRAINER_SILENCE_SECONDS, settings.HEARTBEAT_LIMIT_SECONDS = 100, 10
    with Outside(202) as trainer:
        settings.ML_TRAINER_URL = trainer.url
        work()
    TrainingRun.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=50))
    assert not reconcile().given_up
    TrainingRun.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=101))
    assert reconcile().given_up == [TrainingRun.objects.order_by("pk").first().pk]
    assert statuses(shop) == ["failed", "queued"]


def test_worker_that_died_while_it_handed_over_is_noticed_at_once(shop, settings):
    stock(shop)
    with Outside(202) as trainer:
        settings.ML_TRAINER_URL = trainer.url
        work()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    TrainingRun.objects.update(worker_pid=pid)
    assert reconcile().given_up


def test_command_train_trains_here_even_with_a_trainer(shop, settings):
    from django.core.management import call_command

    stock(shop)
    settings.ML_TRAINER_URL = "http://127.0.0.1:1"
    call_command("train", verbosity=0)
    assert last_run(shop).status == "completed"
