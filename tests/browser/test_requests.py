"""What an open page asks the server for: nothing while the recogniser learns, and one thing once it has."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from ml_training.models import TrainingRun
from tests.support.pages.person import expect_status, part, toast

ALL = ["status", "files", "actions", "advice", "charts", "versions", "history"]
SECTIONS = "/admin/settings/ml-model/sections/"
QUIET = 3000  # milliseconds after the run, in which a request that comes late would come


def listen(page: Page) -> list[str]:
    """The addresses that a page asks its own server for from now on, in the order asked.

    Without the websocket, and without pictures: the browser gets each once, when it is first shown.
    """
    asked: list[str] = []
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))

    def note(request) -> None:
        if request.url.startswith(origin) and request.resource_type not in ("websocket", "image"):
            asked.append(request.url.removeprefix(origin))

    page.on("request", note)
    return asked


@pytest.mark.parametrize("is_more_open", [False, True])
def test_page_asks_for_nothing_during_a_run_and_once_after_it(
    visit, trained_shop, staff, photo_files, is_more_open
):
    visitor = visit(staff)
    page = visitor.open_ml_model(trained_shop)
    if is_more_open:
        page.locator("#ml-charts details summary").first.click()
        page.locator("#ml-versions").scroll_into_view_if_needed()
        page.locator("#ml-advice").scroll_into_view_if_needed()
    asked = listen(page)
    visitor.add_photos(trained_shop.products.first(), photo_files(0, 12)).close()
    expect(toast(page, "success")).to_contain_text("Version 2 is active")
    expect(part(page, "version")).to_have_text(", version 2")
    expect(page.locator('[data-version="2"]')).to_have_attribute("data-state", "serves")
    expect(part(page, "history").locator("tr")).to_have_count(2)
    page.wait_for_timeout(QUIET)
    assert len(asked) == 1, asked  # it brought version 2, so the run was over
    parts = urlsplit(asked[0])
    assert parts.path == SECTIONS
    assert parse_qs(parts.query) == {"shop": [trained_shop.slug], "section": ALL}
    if is_more_open:
        expect(page.locator("#ml-charts details").first).to_have_attribute("open", "")
    seen = page.evaluate("window.seen")
    assert {"queued", "training", "active"} <= set(seen["statuses"])
    assert len(set(seen["progress"])) >= 3, "the bar did not move"
    assert visitor.errors == []


def test_page_that_is_opened_asks_for_nothing_more(visit, trained_shop, staff):
    page = visit(staff).open_ml_model(trained_shop)
    asked = listen(page)
    page.wait_for_timeout(QUIET)
    assert asked == []
    part(page, "refresh").click()
    expect(part(page, "refresh")).not_to_have_attribute("aria-busy", "true")
    assert len(asked) == 1


def test_run_that_nothing_is_heard_of_is_asked_for_over_the_socket(
    installation, visit, trained_shop, staff, photo_files
):
    visitor = visit(staff)
    visitor.context.clock.install()
    page = visitor.open_ml_model(trained_shop)
    asked = listen(page)
    page.wait_for_timeout(QUIET)  # a worker that is paused while it writes keeps the database locked
    with installation.worker_paused():
        visitor.add_photos(trained_shop.products.first(), photo_files(0, 2)).close()
        expect_status(page, "queued")
        expect(part(page, "photos")).to_have_text("6")
        TrainingRun.objects.filter(status="queued").update(created_at=timezone.now() - timedelta(minutes=5))
        page.clock.run_for(20_000)
        expect(part(page, "message")).to_contain_text("No worker has taken this run yet")
        assert asked == []
    expect_status(page, "active")


def test_focus_and_what_is_unfolded_stay_when_sections_come_anew(visit, trained_shop, staff, photo_files):
    visitor = visit(staff)
    page = visitor.open_ml_model(trained_shop)
    page.locator("#ml-charts details").first.locator("summary").click()
    table = page.locator("#ml-charts details .ml-scroll").first
    table.focus()
    visitor.add_photos(trained_shop.products.first(), photo_files(0, 2)).close()
    expect(part(page, "version")).to_have_text(", version 2")
    expect(table).to_be_focused()
    expect(part(page, "refresh")).to_be_visible()


def test_each_end_of_a_run_and_each_choice_of_a_version_is_asked_for_once(
    visit, trained_shop, staff, photo_files
):
    visitor = visit(staff)
    page, other = visitor.open_ml_model(trained_shop), visitor.open_ml_model(trained_shop)
    asked = listen(page)
    visitor.add_photos(trained_shop.products.first(), photo_files(0, 2)).close()
    expect(part(page, "version")).to_have_text(", version 2")
    other.get_by_role("button", name="Roll back to this version").click()
    expect(part(page, "version")).to_have_text(", version 1")
    page.wait_for_timeout(QUIET)
    assert len(asked) == 2
