"""Fixtures for the tests of training: a queue worker to call by hand, and the news that training sends."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connections
from django.utils.module_loading import import_string
from django_q.models import OrmQ

from catalog.models import Shop
from ml_training.events import ml_status_changed
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.runs import lifecycle, queue
from tests.factories import stock


@pytest.fixture(autouse=True)
def no_model_files_left(own_storage, tmp_path):
    """Model files are 7 MB each, and pytest keeps the folders of its last three sessions."""
    yield
    shutil.rmtree(tmp_path / "models", ignore_errors=True)


@pytest.fixture
def events():
    """The news of training, in the order it was sent."""
    received = []

    def receive(event, **kwargs):
        received.append(event)

    ml_status_changed.connect(receive)
    yield received
    ml_status_changed.disconnect(receive)


def work() -> int:
    """Do what a queue worker does: take each task from the queue and call it. Returns how many there were."""
    done = 0
    while row := OrmQ.objects.order_by("pk").first():
        task = row.task
        row.delete()
        import_string(task["func"])(*task["args"])
        done += 1
    return done


def trained(shop: Shop, products: int = 3, photos: int = 2) -> ModelVersion:
    """Fill a shop, let the worker train it, and return the active version."""
    stock(shop, products, photos)
    work()
    return active_version(shop)


def claimed(shop: Shop) -> TrainingRun:
    """A run that a worker has just begun."""
    queue.request_training(shop.pk, queue.Change("photo_added", "Oat milk"))
    return lifecycle.claim(queued_run(shop).pk)


def queued_run(shop: Shop) -> TrainingRun:
    return TrainingRun.objects.get(shop=shop, status="queued")


def last_run(shop: Shop) -> TrainingRun:
    return TrainingRun.objects.filter(shop=shop).first()


def statuses(shop: Shop) -> list[str]:
    """The statuses of all runs of a shop, oldest first."""
    return list(TrainingRun.objects.filter(shop=shop).order_by("pk").values_list("status", flat=True))


def counters(shop: Shop) -> tuple[int, int]:
    """How many changes are wanted and how many are trained."""
    return ShopTraining.objects.filter(shop=shop).values_list("wanted", "trained").first() or (0, 0)


def active_version(shop: Shop) -> ModelVersion | None:
    state = ShopTraining.objects.select_related("active_version").filter(shop=shop).first()
    return state and state.active_version


def model_files(tmp_path) -> list[str]:
    """Every file in the model storage."""
    root = tmp_path / "models"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


class StuckStorage(FileSystemStorage):
    """A storage that deletes nothing for now."""

    def delete(self, name):
        raise OSError("The storage is away.")


def at_once(calls: list) -> list:
    """Make each call in a thread of its own, all at the same moment; what they return."""
    barrier = threading.Barrier(len(calls))

    def one(call):
        try:
            barrier.wait()
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def version_of(run, number=1) -> ModelVersion:
    """A version as a worker hands it over, its files left out."""
    return ModelVersion(
        shop_id=run.shop_id, number=number, run=run, backbone="b", folder="f", files={}, products=2, photos=2
    )


def during(phase: str, act):
    """For `run_job`: do something once, when the run has got to a phase."""
    done = []

    def on_change(run):
        if run.phase == phase and not done:
            done.append(run)
            act()

    return on_change
