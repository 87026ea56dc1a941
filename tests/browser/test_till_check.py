"""The page that measures a device says in sentences what works, and what does not and what to do."""

import pytest
from playwright.sync_api import expect

from tests.support.pages.till_page import listen
from till.devices import add_till

MEASURED = 60_000  # milliseconds: a bound, not an expectation


@pytest.fixture
def phone(chromium, installation):
    context = chromium.new_context(base_url=installation.url, viewport={"width": 360, "height": 740})
    faults = listen(context)
    yield context.new_page()
    context.close()
    assert faults == []


def measure(page) -> dict[str, tuple[bool, str, str]]:
    """What the page found: of each line whether it is good, what was found and what that means."""
    page.goto("/till/check")
    expect(page.locator("body[data-till-check=measuring]")).to_have_count(0, timeout=MEASURED)
    return dict(map(_read, page.locator("tbody tr").all()))


def _read(row) -> tuple[str, tuple[bool, str, str]]:
    found, meaning = row.locator("td").all_inner_texts()
    return row.locator("th").inner_text(), (row.get_attribute("data-good") == "yes", found, meaning)


def verdict(page) -> str:
    return page.get_by_role("status").inner_text()


def test_device_of_nobody_is_measured_without_a_model(phone):
    found = measure(phone)

    assert found["WebAssembly with SIMD"][0]
    assert found["Start of the recognizer"][1].endswith(" ms")
    assert found["Recognizing a picture"][:2] == (False, "not measured")
    assert "log in first" in found["Recognizing a picture"][2]
    assert verdict(phone).startswith("Yes, with limits")


def test_till_is_told_how_long_a_picture_takes(phone, trained_shop):
    phone.goto(f"/till/#token={add_till(trained_shop, 'Counter')[1]}")
    phone.wait_for_selector('[data-till-page]:not([data-version=""])', timeout=MEASURED)

    found = measure(phone)

    assert int(found["Recognizing a picture"][1].removesuffix(" ms")) > 0
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_device_that_cannot_run_the_recognizer_is_told_so(phone):
    phone.route("**/till/vendor/**", lambda route: route.fulfill(status=503))

    found = measure(phone)

    assert not found["Start of the recognizer"][0]
    assert "another one" in found["Start of the recognizer"][2]
    assert verdict(phone).startswith("No.")
