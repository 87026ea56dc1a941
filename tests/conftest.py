"""Fixtures that all tests share: shops, people, photos drawn on the spot."""

import os
import shutil
from pathlib import Path

import pillow_heif
import pytest

from catalog.models import Shop
from ml_training.advice import analysis
from tests.factories import make_shop, make_staff

pillow_heif.register_heif_opener()  # tests make HEIC files
pytest_plugins = [
    "tests.support.api",
    "tests.support.database",
    "tests.support.deep",
    "tests.support.pages.forms",
    "tests.support.pages.live_page",
    "tests.support.running.processes",
    "tests.support.pages.till_engine",
    "tests.support.tills",
    "tests.support.training",
    "tests.support.vectors",
    "tests.support.pages.versions_page",
    "tests.support.running.victim",
    "tests.support.running.workers",
]


def pytest_xdist_auto_num_workers(config):
    """Single files run here and now; more are shared among the processors."""
    is_small = all(Path(argument.partition("::")[0]).suffix == ".py" for argument in config.args)
    return 0 if is_small else max(os.cpu_count() or 1, 1)


@pytest.hookimpl(tryfirst=True)  # before pytest-django reads the marks
def pytest_collection_modifyitems(items):
    """A test that commits begins with the rows that migrations made, under the ids that they gave.

    All of them or none: one that lets Django make these rows again leaves other ids to the next.
    """
    for item in items:
        mark = item.get_closest_marker("django_db")
        marked = mark and mark.kwargs.get("transaction")
        if marked or "transactional_db" in getattr(item, "fixturenames", ()):
            own_rows = pytest.mark.django_db(transaction=True, serialized_rollback=True)
            item.add_marker(own_rows, append=False)


@pytest.fixture(autouse=True)
def own_storage(settings, tmp_path):
    """Every test has photo and model folders of its own."""
    storages = {name: dict(value) for name, value in settings.STORAGES.items()}
    for name, folder in (("default", "photos"), ("models", "models")):
        storages[name]["OPTIONS"] = {"location": tmp_path / folder}
    settings.STORAGES = storages
    shutil.rmtree(settings.CACHE_DIR / "thumbnails", ignore_errors=True)


@pytest.fixture(autouse=True)
def own_analyses():
    """What was found out about a shop of another test is of no use: its rows had the same numbers."""
    analysis._kept.clear()


@pytest.fixture
def shop(db) -> Shop:
    return Shop.default()


@pytest.fixture
def other_shop(db) -> Shop:
    return make_shop("other")


@pytest.fixture
def staff(shop):
    """A member of the default shop with every permission of Shelfsight, and not a superuser."""
    return make_staff("staff", shop)


@pytest.fixture
def staff_client(client, staff):
    client.force_login(staff)
    return client
