"""Real worker processes on the test's own database and files."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.db import connection, transaction

from catalog.models import Product, Shop
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.recognizer.backbone import packaged_backbone
from tests.factories import add_photo
from tests.support.running.waiting import wait_until

MANY = 100  # photos


def wait_until_trained(shop: Shop, after: ModelVersion | None = None) -> ModelVersion:
    """Wait until nothing is owed and nothing is going, and return the version that is active then."""

    def newer_version():
        state = ShopTraining.objects.select_related("active_version").get(shop=shop)
        going = TrainingRun.objects.filter(shop=shop, status__in=["queued", "training"]).exists()
        is_done = not state.is_owed and not going and state.active_version != after
        return state.active_version if is_done else None

    return wait_until(newer_version)


def wait_until_it_trains(shop: Shop) -> TrainingRun:
    """Wait until a run is in the middle of its photos."""
    going = TrainingRun.objects.filter(shop=shop, status="training", phase="embedding")
    return wait_until(going.first)


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def many_photos(shop) -> list[Product]:
    """Two products whose photos keep a worker busy for seconds."""
    products = [Product.objects.create(shop=shop, sku=f"p{kind}", name=f"P{kind}") for kind in range(2)]
    with transaction.atomic():
        for seed in range(MANY // 2):
            for kind, product in enumerate(products):
                add_photo(product, kind, seed)
    return products


@pytest.fixture
def start_worker(transactional_db, settings, tmp_path):
    """A function that starts `manage.py worker`, or another command; all of it ends with the test.

    The process has the same database, photos and models as the test: `own_storage` keeps them where
    DATA_DIR=tmp_path does. Migrations made the queue's schedule; the test before may have flushed it away.
    """
    import_module("ml_training.migrations.0002_reconcile_schedule").create_schedule(apps, None)
    packaged_backbone(settings.BACKBONE, settings.CACHE_DIR)
    (tmp_path / "cache").symlink_to(settings.CACHE_DIR)
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": _database_url(),
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": settings.SECRET_KEY,  # the queue signs its tasks
        "HEARTBEAT_SECONDS": "1",
        "HEARTBEAT_LIMIT_SECONDS": "6",
    }
    started = []

    def start(command: str = "worker", **more: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "manage.py", command],
            cwd=settings.BASE_DIR,
            env=environment | more,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
    for pid in processes_with(f"DATA_DIR={tmp_path}"):
        kill(pid)


def _database_url() -> str:
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def processes_with(variable: str) -> list[int]:
    """The processes started with this in their environment, whoever their parent is by now; needs /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if variable.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found
