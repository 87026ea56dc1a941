"""What a person reads when disk or database failed: what happened, and what to do."""

import errno

import pytest
from django.db import IntegrityError, InternalError, OperationalError, connection, connections
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path

from config.bad_weather import explain

FAULTS = {
    "full": OSError(errno.ENOSPC, "No space left on device"),
    "closed": OSError(errno.EROFS, "Read-only file system"),
    "full-database": OperationalError("database or disk is full"),
    "busy": OperationalError("database is locked"),
    "closed-database": OperationalError("attempt to write a readonly database"),
}


def of_postgresql(code: str | None, kind: type[Exception] = OperationalError) -> Exception:
    """What Django makes of an error of PostgreSQL, whose words may be in any language."""
    error = kind("Worte des Servers")
    error.__cause__ = type("Cause", (Exception,), {"sqlstate": code})()
    return error


FAULTS |= {
    "full-postgresql": of_postgresql("53100"),
    "busy-postgresql": of_postgresql("55P03"),
    "too-many-connections": of_postgresql("53300"),
    "read-only-postgresql": of_postgresql("25006", InternalError),
    "stopping-postgresql": of_postgresql("57P01"),
    "deadlock": of_postgresql("40P01"),
    "met": IntegrityError("one_sku_per_shop"),
}
WORDS = {
    "full": "The disk of the server is full",
    "closed": "may not write to its data folder",
    "full-database": "The disk of the server is full",
    "busy": "The database is busy",
    "closed-database": "may not write to its data folder",
    "full-postgresql": "The disk of the server is full",
    "busy-postgresql": "The database is busy",
    "too-many-connections": "The database is busy",
    "read-only-postgresql": "The database takes no changes",
    "stopping-postgresql": "The database does not answer",
    "deadlock": "at the same moment",
    "met": "at the same moment",
}


def fail(request, kind: str) -> HttpResponse:
    try:
        raise FAULTS[kind] if kind in FAULTS else ValueError(kind)
    except OSError as error:
        raise RuntimeError("what a library makes of it") from error


handler500 = "config.bad_weather.say_what_failed"
urlpatterns = [path("<str:prefix>/<str:kind>", lambda request, prefix, kind: fail(request, kind))]


@pytest.fixture
def browser():
    with override_settings(ROOT_URLCONF=__name__):
        yield Client(raise_request_exception=False)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_page_says_what_failed_and_what_to_do(browser, kind):
    page = browser.get(f"/page/{kind}")

    assert (page.status_code, page["Retry-After"]) == (503, "30")
    assert WORDS[kind] in page.text
    assert "nothing was saved" in page.text
    assert "reload" in page.text


def test_a_program_gets_it_as_json(browser):
    for answer in (
        browser.get("/graphql/busy"),
        browser.get("/page/busy", headers={"Accept": "application/json"}),
    ):
        assert answer.status_code == 503
        (error,) = answer.json()["errors"]
        assert (error["extensions"]["code"], "busy" in error["message"]) == ("UNAVAILABLE", True)


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENOTDIR])
def test_a_folder_of_the_data_that_is_gone_is_told(settings, number):
    error = OSError(number, "…", f"{settings.DATA_DIR}/uploads/tmp1.upload")
    assert "Something is missing in the server's data folder" in explain(error)


def test_a_fault_of_ours_stays_one(browser):
    page = browser.get("/page/other")

    assert page.status_code == 500
    assert "nothing was saved" not in page.text


def test_errors_of_other_kinds_are_not_explained():
    assert explain(None) == ""
    assert explain(OSError(errno.ENOENT, "No such file")) == ""
    assert explain(OSError(errno.ENOENT, "No such file", "/etc/other")) == ""
    assert explain(OperationalError("no such table: catalog_shop")) == ""


@pytest.mark.django_db
def test_a_postgresql_that_is_away_is_said():
    if connection.vendor != "postgresql":
        pytest.skip("a file does not go away")
    other = connections.create_connection("default")
    other.settings_dict = other.settings_dict | {"PORT": "1"}
    with pytest.raises(OperationalError) as error:
        other.ensure_connection()
    assert "The database does not answer" in explain(error.value)


@pytest.mark.django_db
def test_nobody_waits_for_a_lock_of_postgresql_without_end():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has a time-out of its own")
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("20s",)
