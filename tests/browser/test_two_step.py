"""Two-step login in a browser: its picture is shown under our policy, and the login leads on to the till."""

from base64 import b32decode

from playwright.sync_api import expect

from tests.browser.conftest import new_staff
from tests.support.pages.logins import app_code, next_code


def test_a_person_sets_it_up_and_logs_in_with_a_code(visit, trained_shop):
    person = new_staff(trained_shop)
    visitor = visit(person)
    page = visitor.open("/admin/")
    page.get_by_role("link", name="Two-step login").click()
    picture = page.get_by_role("img", name="QR code")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 100
    key = b32decode(page.locator("[data-key]").inner_text().replace(" ", "")).hex()
    page.get_by_label("Code that the app shows").fill(app_code(key))
    page.get_by_label("Your password").fill("password")
    page.get_by_role("button", name="Switch on").click()
    expect(page.locator("[data-recovery-codes] li")).to_have_count(10)

    visitor.context.clear_cookies()
    page.goto("/admin/login/?next=/till/")
    page.get_by_label("Username").fill(person.username)
    page.get_by_label("Password").fill("password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_label("Code")).to_be_focused()
    page.get_by_label("Code").fill(next_code(person))
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/till/")
    expect(page.locator("[data-till-shop]")).to_have_text(trained_shop.name)
