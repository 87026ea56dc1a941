"""Photos on the wrong product in a real browser: the page leads to them, and they are moved."""

from django.db import transaction
from playwright.sync_api import expect

from catalog.models import Product
from ml_training.models import ModelVersion
from tests.factories import add_photo
from tests.support.pages.person import expect_status, part
from tests.support.running.waiting import is_done, wait_until

PHOTOS = 12


def fill(shop) -> list[Product]:
    products = [*shop.products.order_by("pk")]
    products += [
        Product.objects.create(shop=shop, sku=f"{shop.slug}-{kind}", name=f"Extra {kind}")
        for kind in range(2, 6)
    ]
    with transaction.atomic():  # one change, and so one run
        for kind, product in enumerate(products):
            for seed in range(PHOTOS):
                add_photo(product, kind, seed)
    wait_until(lambda: is_done(shop))
    return products


def test_held_back_version_and_its_photos_are_led_to_without_a_reload_and_moved_with_one_click(
    visit, shop, staff
):
    products = fill(shop)
    visitor = visit(staff)
    page = visitor.open_ml_model(shop)
    expect_status(page, "active")
    expect(part(page, "held-back")).to_be_hidden()
    page.evaluate("window.stayed = true")
    with transaction.atomic():
        wrong = [add_photo(products[0], 1, seed) for seed in range(500, 500 + 3 * PHOTOS)]
    wait_until(lambda: ModelVersion.objects.filter(shop=shop, number=2).exists())
    expect(part(page, "message")).to_contain_text("Version 1 goes on serving")
    expect(part(page, "held-back").locator("img")).to_have_count(8)
    part(page, "held-back").get_by_role("link", name="version 2").click()
    expect(page.locator("#ml-version-2")).to_be_in_viewport()

    suspects = page.locator("#ml-advice .advice-suspects li")
    button = suspects.get_by_role("button", name=f"Move to {products[1].name}").first
    photo = int(button.locator("xpath=..").locator("[name=photo]").get_attribute("value"))
    button.click()
    expect(page.locator("#ml-advice [data-ml-said]")).to_contain_text(f"moved to {products[1].name}")
    assert products[1].images.filter(pk=photo).exists()
    assert page.evaluate("window.stayed")
    wait_until(lambda: is_done(shop))

    left = next(item for item in wrong if item.pk != photo)
    form = visitor.open(f"/admin/catalog/product/{products[0].pk}/change/#photo-{left.pk}")
    form.locator(f"#photo-{left.pk}").get_by_label("Move", exact=True).check()
    form.get_by_label("Move the marked photos to").fill(products[1].sku)
    form.get_by_role("button", name="Save", exact=True).click()
    expect(form.locator(".messagelist .success").first).to_contain_text("1 photo moved to")
    assert products[1].images.filter(pk=left.pk).exists()
    assert visitor.errors == []
