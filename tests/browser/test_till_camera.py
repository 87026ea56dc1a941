"""The till with a camera: what a film shows is answered, and nothing stands longer than it is true."""

import itertools

import pytest
from PIL import Image
from playwright.sync_api import expect

from catalog.models import Product
from tests.browser.conftest import CHROMIUM, OPTIONS
from tests.factories import draw
from tests.support.codes import draw_code, ean
from tests.support.pages.till_page import CAMERA, EMPTY, RECORD, film, listen, part, tile
from tests.support.running.waiting import wait_until
from till.devices import add_till
from till.models import Correction

CODE = ean("400638133393")
SECOND = 30  # frames
numbers = itertools.count(1)


@pytest.fixture
def priced_shop(trained_shop):
    first, second = trained_shop.products.order_by("pk")
    Product.objects.filter(pk=first.pk).update(price="12.90", barcode=CODE)
    Product.objects.filter(pk=second.pk).update(price="7.50")
    return trained_shop


@pytest.fixture
def watch(chromium, installation, priced_shop, tmp_path):
    """Open the till with a camera that sees a film: `watch((picture, frames), ...)`."""
    opened = []

    def watch(*parts):
        path = film(tmp_path / f"{next(numbers)}.mjpeg", *parts)
        options = [*OPTIONS, *CAMERA, f"--use-file-for-fake-video-capture={path}"]
        browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=options)
        context = browser.new_context(base_url=installation.url)
        opened.append((browser, listen(context)))
        page = context.new_page()
        page.goto(f"/till/#token={add_till(priced_shop, 'Camera')[1]}")
        return page

    yield watch
    for browser, faults in opened:
        browser.close()
        assert faults == []


def test_answer_goes_with_its_scene_before_the_next_is_painted(watch, priced_shop):
    first, second = priced_shop.products.order_by("pk")
    red, green = draw(0, 1, (480, 480)), draw(1, 1, (480, 480))
    page = watch((red, 4 * SECOND), (green, 4 * SECOND))
    expect(page.locator("[data-till-page]")).to_have_attribute("data-state", "ready")
    page.evaluate(RECORD)
    for product in (first, second, first, second):
        expect(
            page.locator(f'[data-till-tiles] [data-till=candidate][data-sku="{product.sku}"]').first
        ).to_be_visible()
        expect(part(page, "answer")).to_have_attribute("data-answer", "")
    left = frames_with_the_answer_before(page.evaluate("seen"), first.sku, second.sku)
    assert min(left) == 0, "none was gone in time"
    assert max(left) < SECOND, "however busy the machine is"


def frames_with_the_answer_before(seen: list[dict], red: str, green: str) -> list[int]:
    """How many painted frames of each scene but the first still had the answer of the one before."""
    counts = []
    coloured = [one for one in seen if one["isRed"] or one["isGreen"]]
    for is_red, frames in itertools.groupby(coloured, key=lambda one: one["isRed"]):
        own = red if is_red else green
        is_other = [one["first"] not in {"", own} for one in frames]
        assert is_other == sorted(is_other, reverse=True), "an answer came back"
        counts.append(sum(is_other))
    return counts[1:]


def test_tap_sends_the_frame_that_was_answered(watch, priced_shop):
    first = priced_shop.products.order_by("pk").first()
    page = watch((draw(0, 1, (480, 480)), 6 * SECOND))
    expect(page.locator("[data-till-frame] canvas")).to_be_visible()
    tile(page, first.sku).click()
    expect(part(page, "total")).to_have_text("€12.90")
    correction = wait_until(Correction.objects.filter(shop=priced_shop).first)
    assert (correction.chosen, correction.version, correction.views) == (first, 1, 1)
    assert correction.photo.size > 1000
    page.wait_for_timeout(1500)
    expect(part(page, "answer")).to_have_attribute("data-answer", "")  # the same scene is not answered again


def test_nothing_changes_under_a_finger(watch, priced_shop):
    page = watch((draw(0, 1, (480, 480)), 4 * SECOND), (draw(1, 1, (480, 480)), 4 * SECOND))
    first = priced_shop.products.order_by("pk").first()
    page.locator(f'[data-till-tiles] [data-till=candidate][data-sku="{first.sku}"]').first.hover()
    page.mouse.down()
    page.wait_for_timeout(5000)  # the film has gone on to another product
    expect(tile(page, first.sku)).to_be_visible()
    page.mouse.up()
    expect(page.locator("[data-till-lines] li")).to_have_count(1)


def test_barcode_is_put_on_the_slip_once_for_each_time_that_it_is_shown(watch, priced_shop):
    first = priced_shop.products.order_by("pk").first()
    code = (draw_code(CODE), 4 * SECOND)
    page = watch(code, (EMPTY, 4 * SECOND), code, (EMPTY, 60 * SECOND))
    expect(part(page, "name")).to_have_text(first.name)
    expect(part(page, "code")).to_have_text(CODE)
    expect(part(page, "total")).to_have_text("€25.80")
    expect(part(page, "name")).to_be_empty()
    page.wait_for_timeout(6000)  # longer than it is away between
    expect(part(page, "total")).to_have_text("€25.80")


def test_barcode_that_moves_stays_one_item_and_keeps_its_name(watch, priced_shop):
    first = priced_shop.products.order_by("pk").first()
    code = draw_code(CODE)
    moved = code.transform(code.size, Image.Transform.AFFINE, (1, 0, 0, 0, 1, 60), fillcolor="white")
    page = watch((code, 3 * SECOND), (moved, 3 * SECOND))
    expect(part(page, "name")).to_have_text(first.name)
    page.wait_for_timeout(10_000)  # it has moved several times meanwhile
    expect(part(page, "name")).to_have_text(first.name)
    expect(part(page, "total")).to_have_text("€12.90")
    expect(part(page, "answer")).to_have_attribute("data-count", "1")


def test_page_asks_to_turn_what_it_is_not_sure_of(watch):
    page = watch((draw(0, 1, (480, 480)), 4 * SECOND))
    expect(part(page, "answer")).to_have_attribute("data-answer", "CHOOSE")
    expect(part(page, "turn")).to_be_visible()


def test_camera_that_is_unplugged_says_so(watch):
    page = watch((draw(0, 1, (480, 480)), 4 * SECOND))
    expect(page.locator("[data-till-page]")).to_have_attribute("data-state", "ready")
    page.evaluate("""() => {
      const [track] = document.querySelector("video").srcObject.getVideoTracks();
      track.dispatchEvent(new Event("ended"));
    }""")
    expect(page.locator("[data-till-page]")).to_have_attribute("data-state", "no-camera")
    expect(page.get_by_text("The camera was disconnected.")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("[data-till-page]")).to_have_attribute("data-state", "ready")
