"""What happens in the middle of a run: photos change, workers lose it, shops go."""

import pytest

from ml_training.events import COMPLETED, ml_status_changed
from ml_training.models import ModelVersion, TrainingRun
from ml_training.recognition.recognize import recognize
from ml_training.runs.quick import run_job
from tests.factories import add_photo, photo_bytes, stock
from tests.support.training import (
    active_version,
    counters,
    during,
    last_run,
    model_files,
    queued_run,
    statuses,
    trained,
    work,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


def steal(shop):
    """What is left of a worker's claim after the reconciler has given it up."""
    TrainingRun.objects.filter(shop=shop, status="training").update(worker_token="of another worker")


# --- Things that happen in the middle --------------------------------------------------------------


def test_photos_changed_in_the_middle_of_a_run_make_exactly_one_follow_up_run(shop):
    products = stock(shop, products=2, photos=1)

    def change():
        for seed in range(10, 13):
            add_photo(products[0], seed=seed)

    run_job(queued_run(shop).pk, on_change=during("fitting", change))
    assert statuses(shop) == ["completed", "queued"]
    assert active_version(shop).photos == 2
    work()
    assert statuses(shop) == ["completed", "completed"]
    assert active_version(shop).photos == 5
    assert counters(shop) == (5, 5)


@pytest.mark.parametrize("phase", ["preparing", "fitting", "publishing"])
def test_worker_that_lost_its_run_publishes_nothing_and_leaves_no_files(shop, tmp_path, phase):
    first = trained(shop, products=2, photos=1)
    files = model_files(tmp_path)
    add_photo(shop.products.first(), seed=10)
    run = run_job(queued_run(shop).pk, on_change=during(phase, lambda: steal(shop)))
    assert run.status == "training"  # of the worker that has it now
    assert active_version(shop) == first
    assert ModelVersion.objects.count() == 1
    assert model_files(tmp_path) == files
    assert counters(shop) == (3, 2)


@pytest.mark.parametrize("phase", ["embedding", "publishing"])
def test_shop_deleted_in_the_middle_of_a_run_leaves_nothing_behind(other_shop, tmp_path, phase):
    trained(other_shop, products=2, photos=1)
    add_photo(other_shop.products.first(), seed=10)
    pk = other_shop.pk
    run = run_job(queued_run(other_shop).pk, on_change=during(phase, other_shop.delete))
    assert run is None
    assert not TrainingRun.objects.exists()
    assert not ModelVersion.objects.exists()
    assert not (tmp_path / "models" / str(pk)).exists()
    assert work() == 1  # the task that this run was queued with
    assert not TrainingRun.objects.exists()


def test_run_that_cannot_store_its_files_fails_with_a_sentence_and_the_last_model_serves(shop, tmp_path):
    version = trained(shop, products=2, photos=1)
    files = model_files(tmp_path)
    storage = tmp_path / "models"
    storage.rename(tmp_path / "aside")
    storage.write_text("a file where the folder should be")
    add_photo(shop.products.first(), seed=10)
    work()
    run = last_run(shop)
    assert run.status == "failed"
    assert run.error.startswith("Training stopped: ")
    assert "tried again by itself" in run.error
    assert active_version(shop) == version
    assert counters(shop) == (3, 2)
    storage.unlink()
    (tmp_path / "aside").rename(storage)
    assert model_files(tmp_path) == files


def test_last_attempt_does_not_promise_another_one(shop, tmp_path, settings):
    settings.MAX_ATTEMPTS = 1
    stock(shop, products=2, photos=1)
    (tmp_path / "models").write_text("a file where the folder should be")
    work()
    assert last_run(shop).status == "failed"
    assert "not tried again by itself" in last_run(shop).error
    (tmp_path / "models").unlink()


def test_run_stopped_by_the_queue_fails_at_once_and_leaves_no_files(shop, tmp_path):
    """django-q2 ends a task that takes too long by raising a SystemExit in it."""
    stock(shop, products=2, photos=1)

    def stop():
        raise SystemExit(1)

    with pytest.raises(SystemExit):
        run_job(queued_run(shop).pk, on_change=during("publishing", stop))
    assert last_run(shop).status == "failed"
    assert "stopped before it was done" in last_run(shop).error
    assert model_files(tmp_path) == []


def test_worker_stopped_after_it_published_keeps_the_files(shop, tmp_path):
    stock(shop, products=2, photos=1)

    def stop(event, **kwargs):
        if event.kind == COMPLETED:
            raise SystemExit(1)

    ml_status_changed.connect(stop)
    try:
        with pytest.raises(SystemExit):
            run_job(queued_run(shop).pk)
    finally:
        ml_status_changed.disconnect(stop)
    assert statuses(shop) == ["completed"]
    assert len(model_files(tmp_path)) == 5
    assert recognize(shop, photo_bytes(0)).version == 1
