"""What a person reads when disk or database failed: what happened, and what to do."""

import errno

import pytest
from django.db import OperationalError
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
WORDS = {
    "full": "The disk of the server is full",
    "closed": "may not write to its data folder",
    "full-database": "The disk of the server is full",
    "busy": "The database is busy",
    "closed-database": "may not write to its data folder",
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


def test_a_fault_of_ours_stays_one(browser):
    page = browser.get("/page/other")

    assert page.status_code == 500
    assert "nothing was saved" not in page.text


def test_errors_of_other_kinds_are_not_explained():
    assert explain(None) == ""
    assert explain(OSError(errno.ENOENT, "No such file")) == ""
    assert explain(OperationalError("no such table: catalog_shop")) == ""
