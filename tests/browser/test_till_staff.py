"""The till of staff with their session: what they have not finished is theirs, and waits for them."""

import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from catalog.models import Product
from tests.browser.conftest import new_staff
from tests.support.codes import ean
from tests.support.pages.till_page import expect_state, part, scan, tile
from tests.support.running.waiting import wait_until
from till.models import Correction

CODE = ean("400638133393")
KEPT = """async () => ({ caches: await caches.keys(),
  databases: (await indexedDB.databases()).map(({ name }) => name) })"""
IS_KEPT = "async () => (await navigator.serviceWorker.ready).active.state === 'activated'"


@pytest.fixture
def priced_shop(trained_shop):
    first = trained_shop.products.order_by("pk").first()
    Product.objects.filter(pk=first.pk).update(price="12.90", barcode=CODE)
    return trained_shop


def end_sessions() -> None:
    Session.objects.all().delete()


def test_what_staff_have_not_finished_waits_for_them_and_nobody_else(visit, priced_shop, photo_files):
    first, owner = priced_shop.products.order_by("pk").first(), new_staff(priced_shop)
    visitor = visit(owner)
    page = visitor.open("/till/")
    expect(page.locator("[data-till-page]")).not_to_have_attribute("data-version", "")
    wait_until(lambda: page.evaluate(IS_KEPT))
    scan(page, CODE)
    visitor.context.set_offline(True)
    part(page, "file").set_input_files(photo_files(0, 1))
    expect(part(page, "answer")).to_have_attribute("data-answer", re.compile("NAMED|CHOOSE|UNKNOWN"))
    tile(page, first.sku).click()
    expect(part(page, "waiting")).to_have_text("1")
    expect(part(page, "total")).to_have_text("€25.80")
    end_sessions()
    visitor.context.set_offline(False)
    expect_state(page, "revoked")
    expect(page.get_by_text("You were logged out. Log in again")).to_be_visible()
    assert "€" not in part(page, "total").inner_text()
    wait_until(lambda: page.evaluate(KEPT) == {"caches": [], "databases": ["till"]})

    other = new_staff(priced_shop)
    visitor.log_in(other)
    page.reload()
    expect(part(page, "total")).to_have_text("€0.00")
    expect(part(page, "waiting")).to_have_text("0")
    expect(page.locator("[data-till-page]")).not_to_have_attribute("data-version", "")
    scan(page, CODE)
    expect(part(page, "total")).to_have_text("€12.90")
    assert not Correction.objects.filter(shop=priced_shop).exists()

    end_sessions()
    visitor.log_in(owner)
    page.reload()
    expect(part(page, "total")).to_have_text("€25.80")
    wait_until(Correction.objects.filter(shop=priced_shop).exists)
    expect(part(page, "waiting")).to_have_text("0")
    page.reload()
    expect(part(page, "total")).to_have_text("€25.80")
    assert [row.user for row in Correction.objects.filter(shop=priced_shop)] == [owner]


def test_page_that_is_open_follows_who_has_logged_in(visit, priced_shop):
    owner, other = new_staff(priced_shop), new_staff(priced_shop)
    visitor = visit(owner)
    page = visitor.open("/till/")
    expect(page.locator("[data-till-page]")).not_to_have_attribute("data-version", "")
    scan(page, CODE)
    expect(part(page, "total")).to_have_text("€12.90")
    visitor.open("/admin/").get_by_role("button", name="Log out").click()
    wait_until(lambda: not Session.objects.exists())
    visitor.log_in(other)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(part(page, "total")).to_have_text("€0.00")
    visitor.context.set_offline(True)
    page.reload()
    expect_state(page, "offline")
    expect(part(page, "total")).to_have_text("€0.00")
