"""Barcodes on a device: read from pictures, checked, and matched to a shop's products."""

import pytest
from PIL import Image

from tests.factories import encode, photo_bytes
from tests.support.codes import draw_code, ean
from tests.support.pages.till_engine import PICTURE, WORDS, as_text


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
    (ean("021234501999")[1:], [ean("021234500000"), ean("021234600000")], 0),  # a scale's, as UPC-A
    ("04252614", ["042100005264"], 0),  # UPC-E, as a hand scanner sends it
    ("0042100005264", ["04252614"], 0),
    ("ABC-1", ["ABC-1"], 0),  # a shop's own
    ("ABC-1", [""], None),
    ("", [""], None),
]


@pytest.mark.parametrize(("code", "barcodes", "expected"), CODES)
def test_a_code_belongs_to_exactly_one_product(bare_page, code, barcodes, expected):
    found = bare_page.evaluate(
        """async ([code, products]) => {
          const { match } = await import("/static/till/engine/codes.js");
          return match(code, products)?.id ?? null;
        }""",
        [code, [{"id": n, "barcode": barcode} for n, barcode in enumerate(barcodes)]],
    )

    assert found == expected


@pytest.mark.parametrize(("short", "whole"), [("04252614", "0042100005264"), ("01234565", "0012345000065")])
def test_upc_e_is_what_it_is_short_for(bare_page, short, whole):
    found = bare_page.evaluate(
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


def test_a_reader_of_the_browser_that_fails_is_replaced_by_ours(chromium, installation):
    """Some phones promise one and have none."""
    page = chromium.new_context(base_url=installation.url).new_page()
    broken = """globalThis.BarcodeDetector = class {
      static async getSupportedFormats() { return ["ean_13"]; }
      async detect() { throw new DOMException("None here.", "NotSupportedError"); }
    };"""

    def fulfil(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=broken + answer.text())

    page.route("**/till/worker.js", fulfil)
    page.goto("/till/sw.js")
    page.evaluate(PICTURE)
    code = ean("400638133393")

    found = page.evaluate(
        """async ([text, words]) => {
          const { Recognizer } = await import("/static/till/engine/recognizer.js");
          const shell = JSON.parse((await (await fetch("/till/sw.js")).text()).match(/SHELL = (.*);/)[1]);
          const recognizer = new Recognizer({ worker: shell[0], ort: shell[1], zxing: shell[2], words });
          const image = await picture(text);
          return [await recognizer.codes(image), await recognizer.codes(image)];
        }""",
        [as_text(encode(draw_code(code))), WORDS],
    )

    page.context.close()
    assert [[one["text"] for one in codes] for codes in found] == [[code], [code]]
