"""What a person with an open page sees when a process dies under it: the truth, without a reload."""

import os
import signal

from django.db import transaction
from playwright.sync_api import expect

from ml_training.models import TrainingRun
from tests.factories import add_photo
from tests.support.pages.person import expect_status, part, toast
from tests.support.running.waiting import is_done, wait_until


def test_worker_killed_during_training_is_told_and_made_good(visit, shop, staff, photo_files):
    visitor = visit(staff)
    page = visitor.open_ml_model(shop)
    first, second = shop.products.order_by("pk")
    visitor.add_photos(first, photo_files(0, 1))
    visitor.add_photos(second, photo_files(1, 150))
    going = TrainingRun.objects.filter(shop=shop, status="training", progress__gt=0.1)
    run = wait_until(going.first)
    os.kill(run.worker_pid, signal.SIGKILL)
    wait_until(lambda: "failed" in page.evaluate("window.seen.statuses"))
    expect_status(page, "active")
    expect(part(page, "photos")).to_have_text("151")
    expect(part(page, "files-present")).to_have_text("5 of 5")
    expect(part(page, "history")).to_contain_text("The worker stopped in the middle of the run")
    expect(toast(page, "success")).to_contain_text("Version 1 is active")
    assert visitor.errors == []


def test_page_is_right_after_the_server_was_restarted_under_it(installation, visit, shop, staff):
    visitor = visit(staff)
    page = visitor.open_ml_model(shop)
    page.evaluate("window.sameDocument = true")
    installation.stop("web")
    expect(part(page, "offline")).to_contain_text("Live updates are off")
    for button in ("refresh", "prepare"):  # the page stays, and says why nothing happens
        part(page, button).click()
        expect(part(page, "note")).to_contain_text("The server does not answer")
    for kind, product in enumerate(shop.products.order_by("pk")):
        add_photo(product, kind)
    wait_until(lambda: is_done(shop))
    installation.start("web")
    expect_status(page, "active")
    expect(part(page, "offline")).to_be_hidden()
    expect(part(page, "photos")).to_have_text("2")
    expect(toast(page, "success")).to_contain_text("is active")  # missed while away
    expect(part(page, "history").locator("tr")).not_to_have_count(0)
    assert page.evaluate("window.sameDocument")


def test_without_the_channel_server_the_page_polls_says_so_and_recovers(
    installation, visit, shop, staff, photo_files
):
    visitor = visit(staff)
    page = visitor.open_ml_model(shop)
    installation.kill("channels")
    for kind, product in enumerate(shop.products.order_by("pk")):
        visitor.add_photos(product, photo_files(kind, 2))
    expect(part(page, "offline")).to_contain_text("Live updates are off")
    expect_status(page, "active")
    expect(part(page, "photos")).to_have_text("4")
    expect(toast(page, "success")).to_contain_text("Version 1 is active")  # bell and toasts poll as well
    wait_until(lambda: is_done(shop))

    installation.start("channels")
    expect(part(page, "offline")).to_be_hidden()
    visitor.heard.clear()
    visitor.add_photos(product, photo_files(1, 1))
    wait_until(lambda: page.wait_for_timeout(100) or visitor.messages("status"))
    expect(part(page, "photos")).to_have_text("5")
    expect_status(page, "active")
    assert visitor.errors == []


def test_logging_out_in_another_tab_closes_the_socket(visit, trained_shop, staff):
    visitor = visit(staff)
    page = visitor.open_ml_model(trained_shop)
    other = visitor.open("/admin/")
    other.get_by_role("button", name="Log out").click()
    expect(other.get_by_text("Logged out")).to_be_visible()
    expect(part(page, "offline")).to_contain_text("You are no longer logged in")


def test_long_words_stay_in_their_cards_on_a_phone(visit, trained_shop, staff):
    word = "IMG_" + 50 * "0123456789"[:5]
    run = TrainingRun.objects.filter(shop=trained_shop).first()
    aside = {
        "photo": 1,
        "product": 1,
        "sku": word,
        "filename": f"{word}.jpg",
        "reason": f"/srv/{word} is gone.",
    }
    TrainingRun.objects.filter(pk=run.pk).update(set_aside=[aside], message=word)
    page = visit(staff).open_ml_model(trained_shop)
    page.set_viewport_size({"width": 360, "height": 740})
    part(page, "set-aside").locator("summary").click()
    expect(part(page, "set-aside")).to_contain_text(f"{word}.jpg")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_page_of_a_shop_that_one_may_not_see_any_more_says_so(visit, shop, staff):
    page = visit(staff).open_ml_model(shop)
    page.clock.install()
    page.reload()
    expect(page.locator(".bell-list .bell-head")).to_have_count(1)
    with transaction.atomic():
        shop.members.through.objects.filter(user=staff).delete()

    page.clock.fast_forward(60_000)

    expect(part(page, "offline")).to_contain_text("This shop is not there any more")
