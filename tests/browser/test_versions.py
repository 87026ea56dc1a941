"""Rolling back in a real browser: one click, in every tab and process, and the page stays where it was."""

import re

from playwright.sync_api import expect

from ml_training.versions.load import active_model
from tests.support.pages.person import expect_status, part, toast
from tests.support.running.waiting import is_done, wait_until

TWO_SECONDS = 2  # in which another version must serve everywhere


def version(page, number: int):
    return page.locator(f'[data-version="{number}"]')


def expect_state(page, number: int, state: str) -> None:
    expect(version(page, number)).to_have_attribute("data-state", state)


def train_again(visitor, shop, photo_files) -> None:
    visitor.add_photos(shop.products.first(), photo_files(0, 2)).close()
    wait_until(lambda: is_done(shop))


def test_roll_back_is_one_click_without_a_reload_in_every_tab_and_process(
    visit, trained_shop, staff, photo_files
):
    visitor = visit(staff)
    page, other = visitor.open_ml_model(trained_shop), visitor.open_ml_model(trained_shop)
    page.evaluate("window.stayed = true")
    train_again(visitor, trained_shop, photo_files)
    for tab in (page, other):  # nobody has pressed anything
        expect_state(tab, 2, "serves")
        expect_state(tab, 1, "earlier")
    expect(version(page, 2)).to_contain_text("2 photos added to")
    assert active_model(trained_shop).version == 2

    version(page, 1).get_by_role("button", name="Roll back to this version").click()
    wait_until(lambda: active_model(trained_shop).version == 1, TWO_SECONDS)  # in this process
    for tab in (page, other):
        expect_state(tab, 1, "serves")
        expect_state(tab, 2, "kept")
        expect(part(tab, "version")).to_have_text(", version 1")
    expect(page.locator("#ml-versions [data-ml-said]")).to_contain_text("Version 1 serves.")
    expect(other.locator("#ml-versions [data-ml-said]")).to_be_empty()
    assert page.evaluate(
        "window.stayed && document.querySelector('#ml-versions').contains(document.activeElement)"
    )

    version(other, 2).get_by_role("button", name="Activate").press("Enter")
    expect_state(page, 2, "serves")
    assert visitor.errors == []


def test_what_is_opened_stays_open_when_a_section_is_rendered_anew(visit, trained_shop, staff, photo_files):
    visitor = visit(staff)
    page = visitor.open_ml_model(trained_shop)
    for _ in range(6):  # as many as are shown unfolded
        train_again(visitor, trained_shop, photo_files)
    expect(page.locator("#ml-older-versions")).to_contain_text("1 older version")
    page.locator("#ml-older-versions summary").click()
    expect(version(page, 1)).to_be_visible()
    part(page, "refresh").click()
    train_again(visitor, trained_shop, photo_files)
    expect_state(page, 8, "serves")
    expect(page.locator("#ml-older-versions")).to_have_attribute("open", "")
    expect(version(page, 1)).to_be_visible()
    expect_state(page, 1, "removed")  # five are kept
    expect(version(page, 1).get_by_role("button")).to_have_count(0)
    assert visitor.errors == []


def test_without_javascript_rolling_back_comes_back_to_the_page(visit, trained_shop, staff, photo_files):
    train_again(visit(staff), trained_shop, photo_files)
    page = visit(staff, java_script_enabled=False).open(f"/admin/settings/ml-model/?shop={trained_shop.slug}")
    version(page, 1).get_by_role("button", name="Roll back to this version").click()
    expect(page.locator(".messagelist")).to_contain_text("Version 1 serves.")
    expect_state(page, 1, "serves")
    version(page, 2).get_by_role("link", name=re.compile("photos that version 2 learned")).click()
    expect(page.locator(".ml-learned li")).to_have_count(6)


def test_server_that_does_not_answer_is_said_in_the_section(
    installation, visit, trained_shop, staff, photo_files
):
    visitor = visit(staff)
    train_again(visitor, trained_shop, photo_files)
    page = visitor.open_ml_model(trained_shop)
    installation.stop("web")
    version(page, 1).get_by_role("button", name="Roll back to this version").click()
    expect(page.locator("#ml-versions [data-ml-said]")).to_contain_text("The server does not answer")
    installation.start("web")
    version(page, 1).get_by_role("button", name="Roll back to this version").click()
    expect_state(page, 1, "serves")
    expect_status(page, "active")
    expect(toast(page, "error")).to_have_count(0)
