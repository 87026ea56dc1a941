"""The whole way between two processes: handed over, started, progress, completed, active."""

import pytest

from ml_training.models import RunToken, TrainingRun
from ml_training.reconciler import reconcile
from ml_training.serving import recognize
from tests.conftest import add_photo, photo_bytes
from tests.ml_training.conftest import active_version, last_run, statuses, stock, work
from tests.trainer.conftest import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def wait_until_ended(shop) -> TrainingRun:
    def ended():
        run = last_run(shop)
        return run if run.status in ("completed", "failed") else None

    return wait_until(ended)


def test_photo_is_trained_elsewhere_and_its_model_becomes_active(shop, project, trainer, settings):
    products = stock(shop, products=3, photos=3)
    work()
    assert last_run(shop).status == "training"
    run = wait_until_ended(shop)
    assert run.status == "completed", run.error
    assert run.trainer == trainer.url.removeprefix("http://")
    version = active_version(shop)
    assert version.run == run and (version.products, version.photos) == (3, 9)
    for kind, product in enumerate(products):
        assert recognize(shop, photo_bytes(kind, 1)).candidates[0].product_id == product.pk
