"""Fixtures for the tests in a real browser: real web server, worker and channel server on the test database.

The processes are started once, every test has shops and people of its own.
"""

import itertools
import os
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection, connections, transaction

from catalog.models import Shop
from ml_training.models import ModelVersion, TrainingRun
from notifications.models import Notification
from tests.factories import add_photo, make_shop, make_staff, photo_bytes
from tests.support.pages.person import Visitor
from tests.support.running.installation import Installation
from tests.support.running.waiting import is_done, wait_until

CHROMIUM = os.environ.get("CHROMIUM")
OPTIONS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-gpu",
]
PATIENCE = 30  # seconds: a bound, not an expectation
numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)  # before pytest-django reads the marks
def pytest_collection_modifyitems(items):
    """A person without a browser sees why these tests are skipped.

    One process runs them all, beside others that mostly wait: two browsers would keep a small machine busy.
    """
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="CHROMIUM is not set to the path of a Chromium"))


@pytest.fixture(scope="package")
def installation(django_db_setup, tmp_path_factory):
    """The real processes, on the test database."""
    data_dir = tmp_path_factory.mktemp("installation")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's loop runs in this thread
    # Inside that loop Django opens another connection, which must know the rows to go back to as well.
    DatabaseWrapper = type(connections["default"])
    DatabaseWrapper._test_serialized_contents = connection._test_serialized_contents
    installation = Installation(
        data_dir,
        DATABASE_URL=_database_url(),
        SECRET_KEY=settings.SECRET_KEY,  # tasks are signed with it
        BACKBONE="efficientnet-lite0",
    )
    try:
        installation.start()
        yield installation
    finally:
        installation.close()
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"], DatabaseWrapper._test_serialized_contents


def _database_url() -> str:
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    login = database["USER"] + (f":{database['PASSWORD']}" if database["PASSWORD"] else "")
    return f"postgres://{login}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"


@pytest.fixture(autouse=True)
def own_storage(settings, installation):
    """What a test stores lies where the processes look for it."""
    storages = {name: dict(value) for name, value in settings.STORAGES.items()}
    for name, folder in (("default", "photos"), ("models", "models")):
        storages[name]["OPTIONS"] = {"location": installation.data_dir / folder}
    settings.STORAGES = storages


@pytest.fixture(autouse=True)
def everything_runs(installation, transactional_db):
    """Each test begins with all processes up and ends with no run going."""
    installation.start()
    yield
    installation.start()
    wait_until(lambda: not TrainingRun.objects.filter(status__in=["queued", "training"]).exists())


@pytest.fixture(scope="package")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, installation):
    """Give a user who is logged in a browser of their own: `visit(user).open("/admin/")`."""
    visitors = []

    def visit(user, **options) -> Visitor:
        visitor = Visitor(chromium.new_context(base_url=installation.url, **options))
        visitors.append(visitor)
        visitor.let_in(user, installation.url)
        return visitor

    yield visit
    for visitor in visitors:
        visitor.context.close()


@pytest.fixture
def shop(installation) -> Shop:
    return make_shop(f"shop-{next(numbers)}", products=2)


@pytest.fixture
def staff(shop):
    return new_staff(shop)


def new_staff(*shops: Shop):
    """A user whose password the web server can check: the tests' own settings hash in another way."""
    user = make_staff(f"staff-{next(numbers)}", *shops)
    user.password = PBKDF2PasswordHasher().encode("password", "salt", 1000)
    user.save(update_fields=["password"])
    return user


@pytest.fixture
def trained_shop(shop, staff) -> Shop:
    """The shop after its first training: two products of two photos each."""
    with transaction.atomic():  # one change, and so one run
        for kind, product in enumerate(shop.products.order_by("pk")):
            for seed in range(2):
                add_photo(product, kind, seed)
    wait_until(lambda: ModelVersion.objects.filter(shop=shop).exists())
    wait_until(lambda: is_done(shop))
    wait_until(lambda: Notification.objects.filter(shop=shop, recipient=staff).exists())  # a moment later
    return shop


@pytest.fixture
def photo_files(tmp_path):
    """Photos of a product as files on disk, to be chosen in a form."""

    def make(kind: int, count: int) -> list[Path]:
        paths = []
        for _ in range(count):
            seed = next(numbers)
            paths.append(tmp_path / f"photo-{kind}-{seed}.jpg")
            paths[-1].write_bytes(photo_bytes(kind, seed))
        return paths

    return make
