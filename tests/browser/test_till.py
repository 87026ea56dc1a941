"""The till without a camera: photos by file, slip, hand scanner, offline, corrections, revoking."""

import re

import pytest
from playwright.sync_api import expect

from catalog.models import Product
from catalog.tokens import ApiToken
from tests.browser.conftest import new_staff
from tests.factories import make_shop
from tests.support.codes import ean
from tests.support.pages.till_page import expect_state, listen, part, scan, tile
from tests.support.running.waiting import wait_until
from till.devices import add_till
from till.models import Correction

CODE, FOREIGN_CODE = ean("400638133393"), ean("731234567890")
KEPT = """async () => ({ caches: await caches.keys(),
  databases: (await indexedDB.databases()).map(({ name }) => name) })"""
IS_KEPT = "async () => (await navigator.serviceWorker.ready).active.state === 'activated'"


@pytest.fixture
def priced_shop(trained_shop):
    """One product is sold by the piece and has a barcode, the other by weight."""
    first, second = trained_shop.products.order_by("pk")
    Product.objects.filter(pk=first.pk).update(price="12.90", barcode=CODE)
    Product.objects.filter(pk=second.pk).update(price="20.00", unit="kg")
    return trained_shop


@pytest.fixture
def till(chromium, installation, priced_shop):
    """The page on a device with a token of its own; it complains of nothing."""
    context = chromium.new_context(base_url=installation.url)
    faults = listen(context)
    page = context.new_page()
    page.goto(f"/till/#token={add_till(priced_shop, 'Counter')[1]}")
    expect(page.locator("[data-till-page]")).not_to_have_attribute("data-version", "")
    expect_state(page, "no-camera")
    yield page
    context.close()
    assert faults == []


def show(page, files) -> None:
    part(page, "file").set_input_files(files)
    expect(part(page, "answer")).to_have_attribute("data-answer", re.compile("NAMED|CHOOSE|UNKNOWN"))


def test_photo_is_answered_and_a_tap_puts_it_on_the_slip_and_tells_the_shop(till, priced_shop, photo_files):
    assert "token" not in till.url
    first = priced_shop.products.order_by("pk").first()
    show(till, photo_files(0, 1))
    expect(part(till, "answer")).to_have_attribute("data-count", "1")
    expect(tile(till, first.sku)).to_contain_text("€12.90")
    expect(tile(till, first.sku).locator("img")).to_have_attribute("src", re.compile("^data:image/jpeg"))
    tile(till, first.sku).click()
    expect(part(till, "total")).to_have_text("€12.90")
    expect(part(till, "answer")).to_have_attribute("data-answer", "")
    expect(till.locator("[data-till-tiles]")).to_be_empty()
    correction = wait_until(Correction.objects.filter(shop=priced_shop).first)
    assert (correction.chosen, correction.said, correction.is_right) == (first, first, True)
    assert correction.photo.size > 1000
    assert correction.till.token.name == "Counter"
    expect(part(till, "waiting")).to_have_text("0")


def test_another_product_is_found_by_name_and_sent_as_a_correction(till, priced_shop, photo_files):
    first, second = priced_shop.products.order_by("pk")
    show(till, photo_files(0, 2))
    part(till, "search").fill("product 1")
    expect(part(till, "name")).to_be_empty()
    till.locator(f'[data-till-found] [data-sku="{second.sku}"]').click()
    correction = wait_until(Correction.objects.filter(shop=priced_shop).first)
    assert (correction.said, correction.chosen, correction.is_right) == (first, second, False)


def test_slip_adds_up_pieces_and_weights_and_takes_back(till, priced_shop):
    first, second = priced_shop.products.order_by("pk")
    for _ in range(2):
        scan(till, CODE)
    expect(part(till, "total")).to_have_text("€25.80")
    part(till, "search").fill(second.sku)
    till.keyboard.press("Enter")
    weight = till.get_by_label(f"Weight of {second.name} in kilograms")
    expect(till.locator("[data-till-open]")).to_have_text("1 item has no weight or price yet")
    weight.fill("0,455")
    weight.press("Enter")
    expect(part(till, "total")).to_have_text("€34.90")
    till.reload()
    expect(part(till, "total")).to_have_text("€34.90")
    till.locator("[data-till-slip-toggle]").press("Enter")
    pieces = till.get_by_label(f"Pieces of {first.name}")
    pieces.fill("3")
    pieces.press("Enter")
    expect(part(till, "total")).to_have_text("€47.80")
    till.get_by_role("button", name="Undo").click()
    expect(part(till, "total")).to_have_text("€34.90")
    till.get_by_role("button", name="Clear", exact=True).click()
    till.get_by_role("button", name="Keep").click()
    expect(part(till, "total")).to_have_text("€34.90")
    till.get_by_role("button", name="Clear", exact=True).click()
    till.get_by_role("button", name="Clear the slip").click()
    expect(part(till, "total")).to_have_text("€0.00")


def test_hand_scanner_works_while_somebody_types_and_leaves_the_field_as_it_was(till, priced_shop):
    first = priced_shop.products.order_by("pk").first()
    part(till, "search").press_sequentially("ba", delay=150)
    till.wait_for_timeout(400)  # longer than between two keys of a scanner
    scan(till, CODE)
    expect(part(till, "total")).to_have_text("€12.90")
    expect(part(till, "name")).to_have_text(first.name)
    expect(part(till, "price")).to_have_text("€12.90")
    expect(part(till, "code")).to_have_text(CODE)
    expect(part(till, "search")).to_have_value("")


def test_code_that_nobody_has_is_stored_with_the_product_that_is_tapped(till, priced_shop, photo_files):
    scan(till, FOREIGN_CODE)
    expect(part(till, "code")).to_have_text(FOREIGN_CODE)
    expect(part(till, "total")).to_have_text("€0.00")
    show(till, photo_files(0, 1))
    tile(till, priced_shop.products.order_by("pk").first().sku).click()
    expect(part(till, "code")).to_be_empty()
    assert wait_until(Correction.objects.filter(shop=priced_shop).first).code == FOREIGN_CODE


def test_everything_can_be_done_with_the_keyboard(till, priced_shop, photo_files):
    show(till, photo_files(0, 1))
    chosen = till.locator("[data-till-tiles] [data-till=candidate]").first.get_attribute("data-sku")
    expect(till.locator("[data-till-live]")).to_contain_text("to choose")
    till.locator("body").press("1")
    expect(till.locator("[data-till-lines] li")).to_have_count(1)
    product = priced_shop.products.get(sku=chosen)
    expect(till.locator("[data-till-live]")).to_have_text(f"{product.name} is on the slip.")


def test_page_answers_without_a_network_and_its_correction_arrives_once(till, priced_shop, photo_files):
    wait_until(lambda: till.evaluate(IS_KEPT))
    till.context.set_offline(True)
    till.reload()
    expect_state(till, "offline")
    show(till, photo_files(0, 1))
    tile(till, priced_shop.products.order_by("pk").first().sku).click()
    expect(part(till, "waiting")).to_have_text("1")
    till.reload()
    expect(part(till, "waiting")).to_have_text("1")
    assert not Correction.objects.filter(shop=priced_shop).exists()
    till.context.set_offline(False)
    wait_until(Correction.objects.filter(shop=priced_shop).exists)
    expect(part(till, "waiting")).to_have_text("0")
    till.reload()
    expect_state(till, "no-camera")
    assert Correction.objects.filter(shop=priced_shop).count() == 1


def test_a_correction_is_taken_in_the_admin_and_the_till_has_the_new_model(
    till, priced_shop, staff, visit, photo_files
):
    first, second = priced_shop.products.order_by("pk")
    show(till, photo_files(0, 1))
    part(till, "search").fill(second.name)
    till.locator("[data-till-found] button").first.click()  # no, it is that one
    wait_until(Correction.objects.filter(shop=priced_shop, chosen=second).exists)
    before = till.locator("[data-till-page]").get_attribute("data-version")

    page = visit(staff).open("/admin/till/correction/")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    expect(page.locator("#result_list tbody tr")).to_contain_text(second.name)
    page.locator("#result_list .action-select").check()
    page.locator("select[name=action]").select_option("take")
    page.get_by_role("button", name="Go").click()
    expect(page.locator(".messagelist")).to_be_visible()

    wait_until(lambda: second.images.count() == 3)
    expect(till.locator("[data-till-page]")).to_have_attribute("data-version", str(int(before) + 1))
    assert first.images.count() == 2


def test_staff_of_another_shop_see_nothing_of_it(visit, priced_shop, till, photo_files):
    show(till, photo_files(0, 1))
    tile(till, priced_shop.products.order_by("pk").first().sku).click()
    correction = wait_until(Correction.objects.filter(shop=priced_shop).first)
    stranger = visit(new_staff(make_shop(f"{priced_shop.slug}-other")))

    page = stranger.open("/admin/till/correction/")
    expect(page.locator("#changelist")).to_be_visible()
    assert priced_shop.products.first().name not in page.content()
    for address in (
        f"/admin/till/correction/{correction.pk}/photo.jpg",
        f"/till/state.json?shop={priced_shop.slug}",
    ):
        assert stranger.context.request.get(address).status in {403, 404}


def test_damaged_file_is_fetched_anew(till, photo_files):
    till.evaluate("""async () => {
      const cache = await caches.open("till-files");
      for (const request of await cache.keys()) await cache.put(request, new Response("damaged"));
    }""")
    fetched = []
    till.on("request", lambda request: ".onnx" in request.url and fetched.append(request.url))
    till.reload()
    expect_state(till, "no-camera")
    show(till, photo_files(0, 1))
    assert len(fetched) == 2
    till.reload()
    expect_state(till, "no-camera")
    assert len(fetched) == 2


def test_device_that_is_turned_away_keeps_nothing(till, priced_shop):
    wait_until(lambda: till.evaluate(IS_KEPT))
    scan(till, CODE)
    ApiToken.objects.get(shop=priced_shop).revoke()
    till.reload()
    expect_state(till, "revoked")
    expect(till.get_by_text("This device is not a till any more.")).to_be_visible()
    wait_until(lambda: till.evaluate(KEPT) == {"caches": [], "databases": []})
    assert CODE not in till.content()
    assert "€" not in part(till, "total").inner_text()
    till.reload()
    expect_state(till, "revoked")


def test_stranger_gets_a_link_and_staff_of_several_shops_choose_one(
    visit, chromium, installation, priced_shop
):
    context = chromium.new_context(base_url=installation.url)
    page = context.new_page()
    page.goto("/till/")
    expect(page.get_by_role("link", name="Log in")).to_have_attribute("href", "/admin/login/?next=/till/")
    context.close()
    other = make_shop(f"{priced_shop.slug}-other", products=1)
    visitor = visit(new_staff(priced_shop, other))
    page = visitor.open("/till/")
    page.get_by_role("button", name=other.name).click()
    expect(page.locator("[data-till-shop]")).to_have_text(other.name)
    expect(page.locator("[data-till-no-model]")).to_contain_text("no model yet")
    part(page, "search").fill("product")
    expect(page.locator("[data-till-found] [data-till=candidate]")).to_have_count(1)
