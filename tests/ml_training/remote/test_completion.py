"""What becomes of a run by the model its trainer sends."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.recognizer.export import FILES
from ml_training.runs import queue
from tests.factories import make_shop
from tests.support.handing import code_of, complete, files_of, handed_over, report
from tests.support.training import active_version, model_files, queued_run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


def test_model_is_published_and_becomes_active(shop, backbone, events):
    run, token = handed_over(shop)
    answer = complete(token, files_of(run, backbone), run.pk)
    assert answer["data"]["completeTraining"]["version"] == 1
    version = active_version(shop)
    assert version.run == run
    assert version.metrics["photos_held_out"] == 3
    assert events[-1].kind == "completed"
    assert ShopTraining.objects.get(shop=shop).is_owed is False


def test_manifest_is_gone_when_the_run_is_completed(shop, backbone, tmp_path):
    run, token = handed_over(shop)
    complete(token, files_of(run, backbone))
    names = {name.rpartition("/")[2] for name in model_files(tmp_path)}
    assert names == set(FILES.values())


def test_store_that_deletes_nothing_does_not_hinder_a_model(shop, backbone, settings, caplog):
    models = settings.STORAGES["models"]
    stuck = {"BACKEND": "tests.support.training.StuckStorage", "OPTIONS": models["OPTIONS"]}
    settings.STORAGES = settings.STORAGES | {"models": stuck}
    run, token = handed_over(shop)
    assert complete(token, files_of(run, backbone))["data"]["completeTraining"]["version"] == 1
    assert active_version(shop).run == run
    assert "manifest.ndjson could not be removed" in caplog.text


def test_replayed_completion_is_refused_and_changes_nothing(shop, backbone):
    run, token = handed_over(shop)
    files = files_of(run, backbone)
    complete(token, files)
    before = active_version(shop)
    assert code_of(complete(token, files)) == "RUN_FINISHED"
    assert code_of(report(run.pk, token, kind="failed", message="x")) == "RUN_FINISHED"
    run.refresh_from_db()
    assert active_version(shop) == before
    assert run.status == "completed"


def test_completion_that_comes_while_another_is_published_is_refused(shop, backbone):
    run, token = handed_over(shop)
    files = files_of(run, backbone)
    TrainingRun.objects.update(phase="publishing")
    assert code_of(complete(token, files)) == "RUN_FINISHED"
    run.refresh_from_db()
    assert run.status == "training"


def test_of_two_completions_at_once_one_is_taken(shop, backbone):
    run, token = handed_over(shop)
    files = files_of(run, backbone)

    def send(_):
        try:
            return complete(token, files)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(send, range(2)))
    refused = [answer for answer in answers if "errors" in answer]
    assert [code_of(answer) for answer in refused] == ["RUN_FINISHED"]
    run.refresh_from_db()
    assert run.status == "completed"
    assert ModelVersion.objects.count() == 1


def test_refused_model_fails_the_run_and_the_version_before_goes_on_serving(shop, backbone, tmp_path):
    run, token = handed_over(shop)
    complete(token, files_of(run, backbone))
    before, files_before = active_version(shop), model_files(tmp_path)
    queue.request_training(shop.pk, queue.Change("photo_added", "x"))
    run, token = handed_over(shop, products=0)
    files = files_of(run, backbone) | {"weights": b"\x80\x04pickle"}
    assert code_of(complete(token, files)) == "HASH_DIFFERS"
    run.refresh_from_db()
    assert run.status == "failed"
    assert "was refused" in run.error
    assert active_version(shop) == before
    assert model_files(tmp_path) == files_before


def test_product_that_was_deleted_during_the_run_does_not_spoil_it(shop, backbone):
    run, token = handed_over(shop)
    shop.products.first().delete()
    assert complete(token, files_of(run, backbone))["data"]["completeTraining"]["version"] == 1
    assert queued_run(shop)


def test_model_of_a_deleted_shop_is_refused(backbone):
    shop = make_shop("gone")
    run, token = handed_over(shop)
    files = files_of(run, backbone)
    shop.delete()
    assert code_of(complete(token, files)) == "TOKEN_UNKNOWN"
