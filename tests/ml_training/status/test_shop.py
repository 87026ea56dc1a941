"""One function says how a shop's recogniser is, for the page, the API and the socket."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import Product, ProductImage
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.runs import lifecycle, queue
from ml_training.runs.complete import complete
from ml_training.status.shop import training_info, training_infos
from ml_training.versions.metrics import accuracy_in_words
from tests.factories import make_shop
from tests.support.training import claimed, queued_run, trained

pytestmark = pytest.mark.django_db(transaction=True)
ADDED = queue.Change("photo_added", "Oat milk")
FILES = {
    kind: {"name": name, "sha256": f"{kind:0>64}", "bytes": 1000}
    for kind, name in [
        ("model_json", "model.json"),
        ("weights", "weights.safetensors"),
        ("metadata", "metadata.json"),
        ("onnx", "model.onnx"),
    ]
}


def completed(shop, number: int = 1, **kwargs) -> TrainingRun:
    """A run that made a version whose files are gone."""
    run = claimed(shop)
    for name, value in kwargs.items():
        setattr(run, name, value)
    version = ModelVersion(
        shop=shop, number=number, run=run, backbone="b", folder="f", files=FILES, products=2, photos=4
    )
    complete(run, version)
    return run


def failed(shop) -> TrainingRun:
    run = claimed(shop)
    lifecycle.fail(run, "The disk is full.")
    return run


def test_new_shop_is_idle_and_says_how_to_begin(shop):
    info = training_info(shop)
    assert (info.status, info.label) == ("idle", "Idle")
    assert "Add photos of at least two products" in info.message
    assert (info.products, info.photos, info.version, info.last_trained_at) == (0, 0, None, None)
    assert (info.has_active_model, info.error, info.progress, info.phase) == (False, "", 0.0, "")
    assert [file.present for file in info.files] == [False] * 5


def test_shop_whose_run_waits_is_queued(shop):
    queue.request_training(shop.pk, ADDED)
    info = training_info(shop)
    assert (info.status, info.phase) == ("queued", "Waiting for a worker")
    assert info.run_id == queued_run(shop).pk


def test_shop_with_a_run_is_training_and_says_how_far_it_is(shop):
    run = claimed(shop)
    lifecycle.beat(run, phase="embedding", progress=0.4321)
    queue.request_training(shop.pk, ADDED)  # queued beside it
    info = training_info(shop)
    assert (info.status, info.run_id, info.phase) == ("training", run.pk, "Looking at the photos")
    assert (info.progress, info.percent) == (0.4321, 43)
    assert info.started_at == run.started_at


def test_time_left_is_told_once_it_can_be_judged(shop):
    run = claimed(shop)
    assert training_info(shop).seconds_left is None
    lifecycle.beat(run, progress=0.25)
    TrainingRun.objects.update(started_at=timezone.now() - timedelta(seconds=10))
    assert training_info(shop).seconds_left == pytest.approx(30, abs=1)


def test_shop_with_a_model_is_active(shop):
    completed(shop)
    info = training_info(shop)
    assert (info.status, info.version, info.has_active_model) == ("active", 1, True)
    assert info.last_trained_at is not None
    assert (info.message, info.error) == ("", "")


def test_shop_whose_last_run_failed_says_why_and_what_goes_on_serving(shop):
    completed(shop)
    failed(shop)
    info = training_info(shop)
    assert (info.status, info.version) == ("failed", 1)
    assert info.error.startswith("The disk is full.")
    assert "Version 1 goes on serving" in info.message


def test_shop_that_failed_and_never_had_a_model_says_so(shop):
    failed(shop)
    assert training_info(shop).status == "failed"
    assert "No model serves yet" in training_info(shop).message


def test_failed_shop_that_is_tried_again_is_queued_and_shows_no_old_error(shop):
    failed(shop)
    queue.request_training(shop.pk, ADDED)
    info = training_info(shop)
    assert (info.status, info.error) == ("queued", "")


def test_success_after_a_failure_is_active(shop):
    failed(shop)
    completed(shop)
    assert (training_info(shop).status, training_info(shop).error) == ("active", "")


@pytest.mark.parametrize(("had_model", "status"), [(False, "idle"), (True, "active")])
def test_shop_with_too_few_photos_says_what_is_missing(shop, had_model, status):
    if had_model:
        completed(shop)
    complete(claimed(shop), None, "Only Oat milk has a usable photo.")
    info = training_info(shop)
    assert (info.status, info.message) == (status, "Only Oat milk has a usable photo.")


def test_superseded_run_changes_no_badge(shop):
    completed(shop)
    run = queue.request_training(shop.pk, ADDED)
    ShopTraining.objects.update(trained=2)
    lifecycle.claim(run.pk)
    assert training_info(shop).status == "active"


def test_only_active_products_and_their_photos_are_counted(shop):
    make_shop("other", products=2, photos=1)
    on = Product.objects.create(shop=shop, sku="on", name="On")
    off = Product.objects.create(shop=shop, sku="off", name="Off", is_active=False)
    rows(on, 3)
    rows(off, 2)
    info = training_info(shop)
    assert (info.products, info.photos) == (1, 3)


def test_photos_set_aside_by_the_last_run_are_shown(shop):
    aside = [{"photo": 1, "filename": "a.jpg", "product": 2, "sku": "x", "reason": "Cut off."}]
    completed(shop, set_aside=aside)
    assert training_info(shop).set_aside == aside
    completed(shop, number=2)
    assert training_info(shop).set_aside == []


@pytest.mark.training
def test_files_of_the_active_version_are_shown_with_hash_size_and_address(shop, tmp_path):
    version = trained(shop, products=2, photos=1)
    info = training_info(shop)
    assert info.files_present == 5
    for file in info.files:
        stored = version.files[file.kind]
        assert (file.name, file.sha256, file.bytes) == (stored["name"], stored["sha256"], stored["bytes"])
        assert stored["sha256"] in file.url
    (tmp_path / "models" / version.folder / "model.onnx").unlink()
    info = training_info(shop)
    assert info.files_present == 4
    assert [file.name for file in info.files if not file.present] == ["model.onnx"]


def test_status_goes_over_the_wire_as_plain_json(shop):
    completed(shop)
    claimed(shop)
    sent = json.loads(json.dumps(training_info(shop).as_json()))
    assert (sent["status"], sent["label"], sent["version"], sent["percent"]) == ("training", "Training", 1, 0)
    assert sent["started_at"].startswith("20")
    assert {file["slug"] for file in sent["files"]} == {"model-json", "weights", "metadata", "onnx"}


def test_shops_are_told_apart(shop, other_shop):
    completed(shop)
    claimed(other_shop)
    infos = training_infos([other_shop, shop])
    assert [(info.shop_id, info.status) for info in infos] == [
        (other_shop.pk, "training"),
        (shop.pk, "active"),
    ]


def rows(product: Product, count: int) -> None:
    """Photos without files: the status reads rows only."""
    first = ProductImage.objects.count()
    ProductImage.objects.bulk_create(
        ProductImage(product=product, image="x.jpg", filename="x", sha256=f"{n:064}", width=1, height=1)
        for n in range(first, first + count)
    )


def test_number_of_queries_is_the_same_however_much_there_is(shop):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            training_info(shop)
        return len(captured)

    empty = queries()
    completed(shop)
    for number in range(3):
        rows(Product.objects.create(shop=shop, sku=f"{number}", name=f"{number}"), 2)
    few = queries()
    for number in range(3, 20):
        rows(Product.objects.create(shop=shop, sku=f"{number}", name=f"{number}"), 5)
    TrainingRun.objects.bulk_create(TrainingRun(shop=shop, status="completed") for _ in range(30))
    completed(shop, number=2)
    failed(shop)
    claimed(shop)
    queue.request_training(shop.pk, ADDED)
    assert empty <= few == queries() <= 5


def test_number_of_queries_is_the_same_for_one_shop_and_many(shop):
    shops = [shop, *(make_shop(f"shop-{number}") for number in range(3))]
    for each in shops:
        completed(each)
    with CaptureQueriesContext(connection) as one:
        training_infos(shops[:1])
    with CaptureQueriesContext(connection) as many:
        assert [info.status for info in training_infos(shops)] == ["active"] * 4
    assert len(one) == len(many)


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({"accuracy": 0.8497, "accuracy_range": [0.798, 0.9013]}, "85 % (80 % to 90 %)"),
        ({}, ""),
        ({"accuracy": "high", "accuracy_range": [0, 1]}, ""),
        ({"accuracy": 0.5, "accuracy_range": 3}, ""),
    ],
)
def test_accuracy_is_said_in_words_or_not_at_all(metrics, words):
    assert accuracy_in_words(ModelVersion(metrics=metrics)) == words
    assert accuracy_in_words(None) == ""


def test_silent_run_says_since_when_and_what_to_do(shop):
    run = claimed(shop)
    assert training_info(shop).message == ""
    TrainingRun.objects.filter(pk=run.pk).update(
        heartbeat_at=timezone.now() - timedelta(hours=1), started_at=timezone.now(), progress=0.5
    )
    info = training_info(shop)
    assert "Nothing was heard of this run since" in info.message
    assert "manage.py worker" in info.message
    assert info.seconds_left is None


def test_run_that_nobody_takes_asks_for_a_worker(shop):
    queue.request_training(shop.pk, queue.Change("asked"))
    assert training_info(shop).message == ""
    TrainingRun.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    assert "No worker has taken this run yet" in training_info(shop).message
