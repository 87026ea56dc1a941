"""What is taken from a trainer, and what is not: reports and tokens."""

import logging
import time
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from ml_training.models import RunToken, TrainingRun
from ml_training.remote.tokens import issue
from ml_training.runs import lifecycle
from ml_training.runs.progress import PUSH_SECONDS
from ml_training.status.shop import training_info
from tests.factories import stock
from tests.support.handing import code_of, complete, files_of, handed_over, report
from tests.support.training import model_files

pytestmark = pytest.mark.django_db(transaction=True)
STATUS_MUTATION = """mutation($kind: TrainerReportKind!, $percent: Float, $phase: TrainerPhase, $runId: ID) {
  updateTrainingStatus(kind: $kind, percent: $percent, phase: $phase, runId: $runId, message: "m") { runId }
}"""


def graphql(token: str, **variables):
    body = {"query": STATUS_MUTATION, "variables": variables}
    headers = {"Authorization": f"Bearer {token}"}
    return Client().post("/graphql/", body, "application/json", headers=headers).json()


def test_reports_are_heartbeat_progress_and_news(shop, events):
    run, token = handed_over(shop)
    assert training_info(shop).phase == "Waiting for a worker"
    assert report(run.pk, token, kind="started").status_code == 200
    TrainingRun.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=1))
    answer = report(run.pk, token, kind="progress", phase="embedding", percent=50, message="60 of 120")
    assert answer.json() == {"run": run.pk, "taken": "progress"}
    run.refresh_from_db()
    assert run.heartbeat_at > timezone.now() - timedelta(seconds=5)
    assert (run.phase, run.message) == ("embedding", "60 of 120")
    assert 0.4 < run.progress < 0.5
    assert [event.kind for event in events][-2:] == ["started", "progress"]


def test_started_said_twice_is_told_once(shop, events):
    run, token = handed_over(shop)
    for _ in range(2):
        report(run.pk, token, kind="started")
    assert [event.kind for event in events].count("started") == 1


def test_late_report_does_not_turn_the_bar_back(shop):
    run, token = handed_over(shop)
    report(run.pk, token, kind="progress", phase="fitting", percent=90)
    TrainingRun.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=2))
    report(run.pk, token, kind="progress", phase="fitting", percent=10)
    run.refresh_from_db()
    assert run.progress > 0.8


def test_reports_in_quick_succession_are_not_pushed_to_pages(shop, events):
    run, token = handed_over(shop)
    began = time.monotonic()
    for percent in range(30):
        assert report(run.pk, token, kind="progress", phase="embedding", percent=percent).status_code == 200
    pushed = [event.kind for event in events].count("progress")
    assert 1 <= pushed <= 2 + (time.monotonic() - began) / PUSH_SECONDS


def test_failure_is_told_to_staff_and_the_manifest_is_removed(shop, tmp_path):
    run, token = handed_over(shop)
    assert [name.rpartition("/")[2] for name in model_files(tmp_path)] == ["manifest.ndjson"]
    assert report(run.pk, token, kind="failed", message="no\x00 room <b>\nhere").status_code == 200
    run.refresh_from_db()
    assert run.status == "failed"
    assert "gpu.example reports: no room <b> here. It" in run.error
    assert model_files(tmp_path) == []


def test_graphql_takes_the_same_reports(shop):
    run, token = handed_over(shop)
    answer = graphql(token, kind="PROGRESS", phase="FITTING", percent=70.0)
    assert answer == {"data": {"updateTrainingStatus": {"runId": str(run.pk)}}}
    run.refresh_from_db()
    assert run.phase == "fitting"
    assert code_of(graphql(token, kind="STARTED", runId=run.pk + 1)) == "WRONG_RUN"
    assert code_of(graphql(token, kind="STARTED", runId="x")) == "BAD_INPUT"
    assert code_of(graphql(token, kind="PROGRESS", percent=101.0)) == "BAD_INPUT"
    graphql(token, kind="FAILED")
    assert code_of(graphql(token, kind="STARTED")) == "RUN_FINISHED"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"kind": "done"},
        {"kind": "progress", "percent": -1},
        {"kind": "progress", "percent": 101},
        {"kind": "progress", "percent": "50"},
        {"kind": "progress", "percent": True},
        {"kind": "progress", "percent": None},
        {"kind": "progress", "phase": "publishing"},
        {"kind": "progress", "phase": ["embedding"]},
        {"kind": ["started"]},
        {"kind": "failed", "message": {"text": "x"}},
    ],
)
def test_report_that_makes_no_sense_is_refused_and_changes_nothing(shop, said):
    run, token = handed_over(shop)
    answer = report(run.pk, token, **said)
    assert (answer.status_code, code_of(answer)) == (400, "BAD_INPUT")
    run.refresh_from_db()
    assert (run.status, run.phase) == ("training", "waiting")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'"x"', b"{", b"[" * 10_000, b'{"kind": "progress", "percent": NaN}']
)
def test_report_that_is_no_json_object_is_refused(shop, body):
    run, token = handed_over(shop)
    headers = {"Authorization": f"Bearer {token}"}
    answer = Client().post(f"/v1/runs/{run.pk}/status", body, "application/json", headers=headers)
    assert (answer.status_code, code_of(answer)) == (400, "BAD_INPUT")


def test_report_of_a_megabyte_is_refused(shop):
    run, token = handed_over(shop)
    answer = report(run.pk, token, kind="started", message="x" * 1024 * 1024)
    assert answer.status_code == 413


@pytest.mark.parametrize("token", ["", "shr_", "shr_unknown", "shs_other", "shr_" + "x" * 500])
def test_nobody_without_the_runs_token_gets_anywhere(shop, token, caplog):
    run, _ = handed_over(shop)
    headers = {"Authorization": f"Bearer {token}"}
    photo = shop.products.first().images.first()
    paths = ("manifest.ndjson", "backbone.onnx", f"photos/{photo.pk}")
    answers = [Client().get(f"/v1/runs/{run.pk}/{path}", headers=headers) for path in paths]
    answers.append(report(run.pk, token, kind="started"))
    assert {(answer.status_code, code_of(answer)) for answer in answers} == {(401, "TOKEN_UNKNOWN")}
    run.refresh_from_db()
    assert run.phase == "waiting"


def test_staff_session_is_no_run_token(staff_client, shop):
    run, _ = handed_over(shop)
    assert staff_client.post(f"/v1/runs/{run.pk}/status", {}, "application/json").status_code == 401


def test_token_of_another_run_is_refused_and_logged(shop, other_shop, caplog):
    _, token = handed_over(shop)
    other, _ = handed_over(other_shop)
    with caplog.at_level(logging.WARNING):
        answer = report(other.pk, token, kind="started")
    assert (answer.status_code, code_of(answer)) == (403, "WRONG_RUN")
    assert "WRONG_RUN" in caplog.text
    assert token not in caplog.text


@pytest.mark.training
def test_expired_token_is_refused(shop, backbone):
    run, token = handed_over(shop)
    RunToken.objects.update(expires_at=timezone.now())
    answer = report(run.pk, token, kind="started")
    assert (answer.status_code, code_of(answer)) == (401, "TOKEN_EXPIRED")
    assert code_of(complete(token, files_of(run, backbone))) == "TOKEN_EXPIRED"


def test_token_dies_with_its_run_and_with_a_second_handing_over(shop):
    run, first = handed_over(shop)
    second = issue(run).value
    assert code_of(report(run.pk, first, kind="started")) == "TOKEN_UNKNOWN"
    lifecycle.fail(run, "No.")
    answer = report(run.pk, second, kind="started")
    assert (answer.status_code, code_of(answer)) == (410, "RUN_FINISHED")


def test_token_is_kept_as_a_hash_only(shop):
    _, token = handed_over(shop)
    row = RunToken.objects.values().get()
    assert token not in str(row)
    assert len(row["sha256"]) == 64


def test_token_opens_photos_of_its_own_shop_only(shop, other_shop):
    stock(other_shop)
    run, token = handed_over(shop)
    headers = {"Authorization": f"Bearer {token}"}
    own, foreign = (s.products.first().images.first() for s in (shop, other_shop))
    answer = Client().get(f"/v1/runs/{run.pk}/photos/{own.pk}", headers=headers)
    assert b"".join(answer.streaming_content) == own.image.open().read()
    answer = Client().get(f"/v1/runs/{run.pk}/photos/{foreign.pk}", headers=headers)
    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
