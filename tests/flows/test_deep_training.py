"""A deep run from its wish to its end through real worker processes, while the shop goes on."""

import pytest

from ml_training.models import ModelVersion, TrainingRun
from ml_training.runs.deep.schedule import reconcile_deep
from ml_training.status.shop import training_info
from tests.factories import add_photo, make_shop
from tests.support.running.waiting import wait_until
from tests.support.running.workers import kill, wait_until_trained

pytestmark = pytest.mark.worker
ENOUGH = {
    "DEEP_TRAINING": "auto",
    "DEEP_PRODUCTS": 2,
    "DEEP_PRODUCT_PHOTOS": 4,
    "DEEP_PHOTOS": 8,
}  # as many as there are


def learning(shop) -> TrainingRun | None:
    """The deep run when it has ended at least one round."""
    return TrainingRun.objects.filter(
        shop=shop, kind="deep", status="training", metrics__accuracy__isnull=False
    ).first()


def test_deep_run_goes_on_after_kill_9_and_photos_are_learned_beside_it(db, start_worker, settings):
    shop = make_shop("studious", products=2, photos=4)
    for name, value in ENOUGH.items():
        setattr(settings, name, value)
    start_worker(**{name: str(value) for name, value in ENOUGH.items()})
    first = wait_until_trained(shop)
    (queued,) = reconcile_deep() or TrainingRun.objects.filter(kind="deep").values_list("pk", flat=True)
    killed = wait_until(lambda: learning(shop))
    kill(killed.worker_pid)

    again = wait_until(lambda: reconcile_deep() and TrainingRun.objects.filter(kind="deep").first())
    assert again.pk > queued
    add_photo(shop.products.first(), kind=0, seed=1000)
    quick = wait_until(lambda: ModelVersion.objects.filter(shop=shop, number__gt=first.number).first())
    assert quick.photos == first.photos + 1
    again = wait_until(lambda: TrainingRun.objects.filter(pk=again.pk, status="completed").first(), 180)
    assert "that it had not seen" in again.message
    assert again.metrics["began_at"] > 0  # not from the beginning
    assert len(again.metrics["history"]) == again.metrics["epochs"]
    assert training_info(shop).status == "active"
