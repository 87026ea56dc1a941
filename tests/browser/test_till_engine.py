"""What computes on a device, against the server: pixels as Pillow's, answers as `recognize`, barcodes."""

import base64

import numpy as np
import pytest
from PIL import Image

from catalog.models import Product
from catalog.photo_files import open_upright
from ml_training.recognition.recognize import recognize
from ml_training.recognizer.preprocess import Preprocessing, to_pixels
from tests.factories import draw, encode, photo_bytes
from tests.support.codes import draw_code, ean
from tests.support.odd_files import TURNED_RIGHT, with_exif
from till.devices import add_till

SIDE = 96  # of the pixels that are compared: as telling as the backbone's own, and quicker
OPEN = """async ({ token, words }) => {
  window.told = { Authorization: `Bearer ${token}` };
  window.fetchFile = async (url) => (await fetch(url, { headers: told })).arrayBuffer();
  const { Recognizer } = await import("/static/till/engine/recognizer.js");
  const shell = JSON.parse((await (await fetch("/till/sw.js")).text()).match(/SHELL = (.*);/)[1]);
  window.state = await (await fetch("/till/state.json", { headers: told })).json();
  window.recognizer = new Recognizer({ worker: shell[0], ort: shell[1], zxing: shell[2], words });
  await recognizer.ready();
}"""
PICTURE = """() => { window.picture = async (text) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes]), { imageOrientation: "from-image" });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "white";
  pen.fillRect(0, 0, bitmap.width, bitmap.height);
  pen.drawImage(bitmap, 0, 0);
  return pen.getImageData(0, 0, bitmap.width, bitmap.height);
}; }"""
ANSWER = """async (text) => {
  const looked = await recognizer.look(await picture(text));
  const ids = new Set(state.products.map((product) => product.id));
  return recognizer.answer(looked.vector, 1, ids, looked.backbone);
}"""
WORDS = {"broken": "It broke.", "slow": "It is slow.", "closed": "It was closed."}


def as_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def is_fault(message) -> bool:
    """Whether the console complains; a bare script has no icon, which browsers ask for all the same."""
    return message.type == "error" and not message.location["url"].endswith("/favicon.ico")


@pytest.fixture
def page(chromium, installation):
    """A page of the till's own site, whose console stays empty."""
    page = chromium.new_context(base_url=installation.url).new_page()
    errors: list[str] = []
    page.on("console", lambda message: is_fault(message) and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto("/till/sw.js")  # bare: no script of the page is in the way
    page.evaluate(PICTURE)
    yield page
    page.context.close()
    assert errors == []


@pytest.fixture
def device(page, trained_shop):
    """The page with a recognizer that has not loaded the shop's model yet."""
    page.evaluate(OPEN, {"token": add_till(trained_shop, "Counter")[1], "words": WORDS})
    return page


FILES = {
    "square": encode(draw(0, 1, (300, 300)), "PNG"),
    "three to four": encode(draw(1, 2, (300, 400)), "PNG"),
    "four to three": encode(draw(2, 3, (640, 480)), "PNG"),
    "sixteen to nine": encode(draw(3, 4, (1280, 720)), "PNG"),
    "nine to sixteen": encode(draw(4, 5, (405, 720)), "PNG"),
    "tiny": encode(draw(5, 6, (7, 5)), "PNG"),
    "one pixel wide": encode(draw(0, 7, (6, 90)).resize((1, 90)), "PNG"),
    "larger than needed": encode(draw(1, 8, (2101, 1503)), "PNG"),
    "transparent": encode(draw(2, 9, (200, 160)).convert("RGBA"), "PNG"),
    "palette": encode(draw(3, 10, (200, 160)).convert("P"), "PNG"),
    "webp": encode(draw(4, 11, (200, 260)), "WEBP", lossless=True),
    "turned by EXIF": with_exif("PNG", TURNED_RIGHT, draw(5, 12, (300, 200))),
}


@pytest.mark.parametrize("name", FILES)
def test_pixels_are_within_one_level_of_pillow(page, name):
    preprocessing = Preprocessing(SIDE)
    expected = to_pixels(open_upright(FILES[name], preprocessing.decode_side), preprocessing)

    found = page.evaluate(
        """async ([text, preprocessing]) => {
          const { toPixels } = await import("/static/till/engine/preprocess.js");
          return [...toPixels(await picture(text), preprocessing)];
        }""",
        [as_text(FILES[name]), preprocessing.as_json()],
    )

    apart = np.abs(np.array(found, np.int16).reshape(expected.shape) - expected.astype(np.int16))
    assert apart.max() <= 1


def test_a_device_answers_as_the_server_does(device, trained_shop):
    device.evaluate("recognizer.load(state.model, fetchFile)")
    for kind, seed in [(0, 50), (1, 51), (0, 52), (1, 53), (4, 54)]:
        photo = photo_bytes(kind, seed)
        expected = recognize(trained_shop, photo)
        found = device.evaluate(ANSWER, as_text(photo))

        assert (found["version"], found["answer"]) == (expected.version, expected.answer.value)
        assert found["confidence"] == pytest.approx(expected.confidence, abs=0.02)
        assert [one["id"] for one in found["candidates"]] == [one.product_id for one in expected.candidates]
        assert [one["probability"] for one in found["candidates"]] == pytest.approx(
            [one.probability for one in expected.candidates], abs=0.02
        )


def test_a_product_that_is_switched_off_is_not_answered(device, trained_shop):
    device.evaluate("recognizer.load(state.model, fetchFile)")
    gone = recognize(trained_shop, photo_bytes(0, 60)).candidates[0].product_id
    Product.objects.filter(pk=gone).update(is_active=False)
    device.evaluate("(gone) => { state.products = state.products.filter(({ id }) => id !== gone); }", gone)

    found = device.evaluate(ANSWER, as_text(photo_bytes(0, 60)))

    assert [one["id"] for one in found["ranking"]] == [
        one.product_id for one in recognize(trained_shop, photo_bytes(0, 60), limit=9).candidates
    ]
    assert gone not in [one["id"] for one in found["ranking"]]
    assert (found["answer"], found["confidence"]) != ("NAMED", 1)


def test_a_damaged_file_leaves_the_old_pair_answering(device, trained_shop):
    device.evaluate("recognizer.load(state.model, fetchFile)")
    before = device.evaluate(ANSWER, as_text(photo_bytes(1, 70)))

    problem = device.evaluate(
        """() => recognizer.load(
          { ...state.model, version: 99, head: { ...state.model.head, sha256: "other" } },
          async () => new ArrayBuffer(1000),
        ).then(() => "", (error) => error.message)"""
    )

    assert problem
    assert device.evaluate("recognizer.model.version") == before["version"]
    assert device.evaluate(ANSWER, as_text(photo_bytes(1, 70))) == before


def test_a_retrain_costs_the_head_alone(device, trained_shop):
    asked = device.evaluate(
        """async () => {
          const asked = [];
          const fetchAndTell = (url, sha256) => { asked.push(sha256); return fetchFile(url); };
          await recognizer.load(state.model, fetchAndTell);
          const next = { ...state.model, version: 2, head: { ...state.model.head, sha256: "next" } };
          await recognizer.load(next, fetchAndTell);
          return [asked, recognizer.model.version, state.model.backbone.sha256, state.model.head.sha256];
        }"""
    )

    assert asked == [[asked[2], asked[3], "next"], 2, asked[2], asked[3]]


def test_a_vector_of_another_backbone_is_not_answered(device):
    device.evaluate("recognizer.load(state.model, fetchFile)")

    problem = device.evaluate(
        """async (text) => {
          const { vector } = await recognizer.look(await picture(text));
          return recognizer.answer(vector, 1, new Set(), "another").catch((error) => error.message);
        }""",
        as_text(photo_bytes()),
    )

    assert "another backbone" in problem


@pytest.mark.parametrize(
    "code", [ean("400638133393"), ean("9638507"), ean("200100011330"), ean("012345678905"[:12])]
)
def test_barcodes_are_read_from_pictures(device, code):
    found = device.evaluate(
        "async (text) => (await recognizer.look(await picture(text))).codes.map(({ text }) => text)",
        as_text(encode(draw_code(code))),
    )

    assert found == [code]


def test_no_barcode_is_found_where_there_is_none(device):
    text = as_text(photo_bytes(0, 80))
    assert device.evaluate("async (text) => recognizer.codes(await picture(text))", text) == []


CODES = [  # what was read, barcodes of the shop's products, which of them it is
    ("4006381333931", ["4006381333931", "9638507" + "4"], 0),
    ("036000291452", ["0036000291452"], 0),  # UPC-A is EAN-13 with a leading zero
    ("0036000291452", ["036000291452"], 0),
    ("4006381333932", ["4006381333931"], None),  # the check digit is wrong
    ("4006381333931", ["4006381333931", "4006381333931"], None),  # two have it
    ("2001000113308", ["2001000000000"], None),  # no whole code: a check digit that is wrong
    (ean("200100055555"), [ean("200100000000"), ean("200200000000")], 0),  # a scale's: the item's number
    (ean("200100055555"), [ean("200100000000"), ean("200100011111")], None),  # two have that number
    (ean("200100011111"), [ean("200100000000"), ean("200100011111")], 1),  # but one the very code
    ("ABC-1", ["ABC-1"], 0),  # a shop's own
    ("ABC-1", [""], None),
    ("", [""], None),
]


@pytest.mark.parametrize(("code", "barcodes", "expected"), CODES)
def test_a_code_belongs_to_exactly_one_product(page, code, barcodes, expected):
    found = page.evaluate(
        """async ([code, products]) => {
          const { match } = await import("/static/till/engine/codes.js");
          return match(code, products)?.id ?? null;
        }""",
        [code, [{"id": n, "barcode": barcode} for n, barcode in enumerate(barcodes)]],
    )

    assert found == expected


@pytest.mark.parametrize(("short", "whole"), [("04252614", "0042100005264"), ("01234565", "0012345000065")])
def test_upc_e_is_what_it_is_short_for(page, short, whole):
    found = page.evaluate(
        """async (short) => {
          const { normalise } = await import("/static/till/engine/codes.js");
          return normalise(short, "UPCE");
        }""",
        short,
    )

    assert found == whole


def test_pictures_of_barcodes_are_what_the_tests_think():
    assert ean("400638133393") == "4006381333931"
    assert isinstance(draw_code(ean("9638507")), Image.Image)
