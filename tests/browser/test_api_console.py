"""The page at /graphql/: asks, subscribes and lists what there is, with nothing from other hosts."""

import re

from playwright.sync_api import expect

from ml_training.runs.queue import prepare_training_data
from tests.factories import add_photo


def test_page_asks_subscribes_and_lists_what_there_is(visit, staff, shop, installation):
    visitor, asked = visit(staff), []
    visitor.context.on("request", lambda request: asked.append(request.url))
    page = visitor.open("/graphql/")
    answer = page.locator("[data-answer]")
    page.get_by_role("button", name="Run").click()
    expect(answer).to_contain_text('"status": "IDLE"')
    expect(page.locator("[data-schema] details")).not_to_have_count(0)
    expect(page.locator("[data-schema]")).to_contain_text(
        "recognizeProduct(image: Upload, images: [Upload!], limit: Int"
    )
    page.get_by_label("Query, mutation").fill("subscription { mlStatus { kind mlTrainingInfo { status } } }")
    page.keyboard.press("Control+Enter")
    expect(answer).to_contain_text('"kind": "SNAPSHOT"')
    add_photo(shop.products.first())
    prepare_training_data(shop)
    expect(answer).to_contain_text('"kind": "STARTED"')
    expect(answer).to_contain_text('"kind": "COMPLETED"')
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    assert {url.split("/")[2] for url in asked} == {installation.url.split("/")[2]}
    assert not visitor.errors


def test_stranger_is_sent_to_the_login(chromium, installation):
    context = chromium.new_context(base_url=installation.url)
    page = context.new_page()
    page.goto("/graphql/")
    expect(page).to_have_url(re.compile(r"/admin/login/\?next=/graphql/"))
    context.close()
