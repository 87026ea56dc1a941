"""Settings > ML Model in a real browser: what staff see while the recogniser learns, without a reload."""

import re

import pytest
from playwright.sync_api import expect

from catalog.models import ProductImage
from ml_training.models import TrainingRun
from tests.browser.conftest import new_staff
from tests.factories import make_shop
from tests.support.pages.person import expect_status, part, tab_to, toast, unread
from tests.support.running.waiting import is_done, wait_until


def test_photos_added_in_another_tab_are_learned_before_ones_eyes(
    installation, visit, shop, staff, photo_files
):
    visitor = visit(staff)
    page = visitor.open_ml_model(shop)
    expect_status(page, "idle")
    expect(part(page, "files-present")).to_have_text("0 of 5")
    first, second = shop.products.order_by("pk")
    with installation.worker_paused():
        visitor.add_photos(first, photo_files(0, 4))
        expect_status(page, "queued")
        expect(unread(page)).to_have_text("1")
    expect_status(page, "idle")  # one product alone cannot be told from anything
    expect(part(page, "message")).to_contain_text("Add photos of at least one more product")

    visitor.add_photos(second, photo_files(1, 5))
    expect_status(page, "active")
    expect(part(page, "photos")).to_have_text("9")
    expect(part(page, "products")).to_have_text("2")
    expect(part(page, "last-trained")).to_have_text("just now")
    expect(part(page, "files-present")).to_have_text("5 of 5")
    for name in ("model-json", "weights", "metadata", "onnx", "head-onnx"):
        expect(part(page, f"asset-{name}")).to_have_attribute("data-present", "true")
    expect(toast(page, "success")).to_contain_text("Version 1 is active")
    expect(unread(page)).to_have_text("6")
    expect(part(page, "history").locator("tr")).to_have_count(2)
    expect(part(page, "history")).to_contain_text(f"5 photos added to {second.name}")
    seen = page.evaluate("window.seen")
    assert [status for status in seen["statuses"] if status != "queued"][-2:] == ["training", "active"]
    assert len(set(seen["progress"])) >= 3, "the bar did not move"
    assert visitor.errors == []


def test_the_files_shown_can_be_downloaded(visit, trained_shop, staff):
    page = visit(staff).open_ml_model(trained_shop)
    with page.expect_download() as download:
        part(page, "asset-metadata").get_by_role("link").click()
    assert download.value.suggested_filename == "v1-metadata.json"


def test_what_is_read_in_one_tab_is_read_in_the_other_and_stays_read(visit, trained_shop, staff):
    visitor = visit(staff)
    page = visitor.open_ml_model(trained_shop)
    before = int(unread(page).inner_text())
    other = visitor.open("/admin/catalog/product/")
    expect(unread(other)).to_have_text(str(before))
    other.locator("[data-bell] .bell-button").click()
    other.get_by_role("button", name="Mark read").first.click()
    expect(unread(page)).to_have_text(str(before - 1))
    other.get_by_role("button", name="Mark all read").click()
    expect(unread(page)).to_be_hidden()
    expect(unread(other)).to_be_hidden()
    page.reload()
    expect(page.locator("[data-unread-words]")).to_have_text("0 unread")
    assert visitor.errors == []


def test_a_toast_tells_of_the_end_of_training_on_any_page_of_the_admin(
    visit, trained_shop, staff, photo_files
):
    visitor = visit(staff)
    elsewhere = visitor.open("/admin/catalog/product/")
    expect(unread(elsewhere)).to_be_visible()
    visitor.add_photos(trained_shop.products.first(), photo_files(0, 2))
    expect(toast(elsewhere, "success")).to_contain_text("Version 2 is active")
    toast(elsewhere, "success").get_by_role("link").click()
    expect(elsewhere).to_have_url(re.compile(r"/settings/ml-model/"))


def test_a_run_that_fails_says_why_and_what_still_serves(
    installation, visit, trained_shop, staff, photo_files
):
    visitor = visit(staff)
    page = visitor.open_ml_model(trained_shop)
    folder = installation.data_dir / "models" / str(trained_shop.pk)
    kept = folder.rename(folder.with_name(f"{folder.name}-kept"))
    folder.write_text("A file where the storage needs a folder.")
    visitor.add_photos(trained_shop.products.first(), photo_files(0, 2))
    expect_status(page, "failed")
    expect(part(page, "error")).to_contain_text("Training stopped")
    expect(part(page, "error")).to_contain_text("tried again by itself")
    expect(part(page, "message")).to_contain_text("Version 1 goes on serving")
    expect(toast(page, "error")).to_contain_text("Training stopped")
    expect(part(page, "files-present")).to_have_text("0 of 5")  # which is true: they were moved away

    folder.unlink()
    kept.rename(folder)
    part(page, "prepare").click()
    expect_status(page, "active")
    expect(part(page, "error")).to_be_hidden()
    expect(part(page, "version")).to_have_text(", version 2")
    expect(part(page, "files-present")).to_have_text("5 of 5")
    assert visitor.errors == []


def test_prepare_pressed_twice_checks_once_and_names_the_photos_set_aside(
    installation, visit, trained_shop, staff
):
    visitor = visit(staff)
    page = visitor.open_ml_model(trained_shop)
    photo = ProductImage.objects.filter(product__shop=trained_shop).first()
    (installation.data_dir / "photos" / photo.image.name).write_bytes(b"no photo any more")
    with installation.worker_paused():
        part(page, "prepare").dblclick()
        expect(part(page, "note")).to_contain_text("Every photo is being checked again")
        expect_status(page, "queued")
    expect_status(page, "active")
    expect(part(page, "set-aside-count")).to_have_text("1")
    expect(toast(page, "success")).to_contain_text("4 photos checked, 1 set aside")
    assert TrainingRun.objects.filter(shop=trained_shop, fresh=True).count() == 1
    part(page, "set-aside").locator("summary").click()
    part(page, "set-aside").get_by_role("link", name=photo.product.sku).click()
    expect(page).to_have_url(re.compile(f"/catalog/product/{photo.product_id}/change/"))
    assert visitor.errors == []


def test_two_shops_do_not_see_each_other(visit, shop, staff, photo_files):
    other_shop = make_shop(f"{shop.slug}-rival", products=2)
    here, there = visit(staff), visit(new_staff(other_shop))
    page, other_page = here.open_ml_model(shop), there.open_ml_model(other_shop)
    for kind, product in enumerate(shop.products.order_by("pk")):
        here.add_photos(product, photo_files(kind, 2))
    expect_status(page, "active")
    wait_until(lambda: is_done(shop))

    for kind, product in enumerate(other_shop.products.order_by("pk")):
        there.add_photos(product, photo_files(kind, 2))
    expect_status(other_page, "active")
    wait_until(lambda: is_done(other_shop))
    expect(toast(other_page, "success")).to_be_visible()
    assert here.shops_heard_of() == {shop.pk}
    assert there.shops_heard_of() == {other_shop.pk}
    assert f"{shop.slug} product" not in "".join(there.heard)
    expect(page.locator(".bell-list")).not_to_contain_text(other_shop.name)

    answer = there.open(f"/admin/settings/ml-model/?shop={shop.slug}")
    expect(answer.locator("body")).to_contain_text("Not Found")


def test_a_member_of_two_shops_chooses_between_them(visit, shop, photo_files):
    second = make_shop(f"{shop.slug}-second", products=2)
    visitor = visit(new_staff(shop, second))
    page = visitor.open_ml_model(shop)
    for kind, product in enumerate(second.products.order_by("pk")):
        visitor.add_photos(product, photo_files(kind, 1))
    expect(toast(page, "success")).to_contain_text(f"{second.name}: Training is done")
    expect_status(page, "idle")
    page.get_by_role("navigation", name="Shop").get_by_role("link", name=second.name).click()
    expect_status(page, "active")


def test_without_javascript_the_page_shows_the_truth_and_prepare_works(visit, trained_shop, staff):
    visitor = visit(staff, java_script_enabled=False)
    page = visitor.open(f"/admin/settings/ml-model/?shop={trained_shop.slug}")
    expect_status(page, "active")
    expect(part(page, "photos")).to_have_text("4")
    expect(part(page, "files-present")).to_have_text("5 of 5")
    part(page, "prepare").click()
    expect(page.locator(".messagelist")).to_contain_text("Every photo is being checked again")
    wait_until(lambda: is_done(trained_shop))
    part(page, "refresh").click()
    expect(part(page, "history")).to_contain_text("4 photos checked, all of them good")
    page.locator("[data-bell] a").click()
    expect(page.locator("#result_list")).to_contain_text("Training is done")


def addresses(shop) -> list[str]:
    product = shop.products.first()
    return [
        "/admin/",
        f"/admin/settings/ml-model/?shop={shop.slug}",
        f"/admin/settings/ml-model/versions/1/photos/?shop={shop.slug}",
        "/admin/catalog/product/",
        "/admin/catalog/product/add/",
        f"/admin/catalog/product/{product.pk}/change/",
        f"/admin/catalog/product/{product.pk}/history/",
        f"/admin/catalog/product/{product.pk}/delete/",
        "/admin/notifications/notification/",
        "/admin/till/correction/",
        "/admin/till/till/",
        "/admin/till/till/add/",
    ]


def test_no_page_of_ours_breaks_its_content_security_policy_or_logs_an_error(visit, trained_shop, staff):
    visitor = visit(staff)
    for address in addresses(trained_shop):
        page = visitor.open(address)
        expect(page.locator(".bell-list .bell-head")).to_have_count(1)
        assert visitor.errors == [], address
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_must_be_scrolled_sideways_on_a_small_telephone(visit, trained_shop, staff, scheme):
    visitor = visit(staff, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    for address in addresses(trained_shop):
        page = visitor.open(address)
        widths = page.evaluate("""() => [document.scrollingElement, document.querySelector("#main")]
            .map((element) => element.scrollWidth)""")
        assert max(widths) <= 360, address
        page.close()


def test_everything_can_be_done_by_keyboard(visit, trained_shop, staff):
    page = visit(staff).open_ml_model(trained_shop)
    tab_to(page, ".bell-button")
    page.keyboard.press("Enter")
    expect(page.locator(".bell-list")).to_be_visible()
    expect(page.locator(".bell-button")).to_have_attribute("aria-expanded", "true")
    tab_to(page, ".bell-list li button", most=3)
    page.keyboard.press("Enter")
    expect(page.locator('.bell-list li[data-read="true"]')).to_have_count(1)
    assert page.evaluate("document.querySelector('.bell-list').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(page.locator(".bell-list")).to_be_hidden()
    assert page.evaluate("document.activeElement.matches('.bell-button')")
    page.keyboard.press(" ")
    expect(page.locator(".bell-list")).to_be_visible()
    page.keyboard.press("Escape")
    tab_to(page, "[data-ml=prepare]")
    page.keyboard.press("Enter")
    expect(part(page, "history")).to_contain_text("Training data prepared on request")
    tab_to(page, "[data-ml=refresh]", most=2)
    page.keyboard.press(" ")
    expect_status(page, "active")
