"""What computes on a device, against the server: pixels as Pillow's, answers as `recognize`."""

import numpy as np
import pytest

from catalog.models import Product
from catalog.photo_files import open_upright
from ml_training.recognition.recognize import recognize
from ml_training.recognizer.preprocess import Preprocessing, to_pixels
from tests.factories import draw, encode, photo_bytes
from tests.support.odd_files import TURNED_RIGHT, with_exif
from tests.support.pages.till_engine import ANSWER, WORDS, as_text

SIDE = 96  # of the pixels that are compared: as telling as the backbone's own, and quicker
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
def test_pixels_are_within_one_level_of_pillow(bare_page, name):
    preprocessing = Preprocessing(SIDE)
    expected = to_pixels(open_upright(FILES[name], preprocessing.decode_side), preprocessing)

    found = bare_page.evaluate(
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

    assert problem == WORDS["unusable"]
    assert device.evaluate("recognizer.model.version") == before["version"]
    assert device.evaluate(ANSWER, as_text(photo_bytes(1, 70))) == before


def test_a_backbone_whose_head_is_damaged_changes_nothing(device, trained_shop):
    device.evaluate("recognizer.load(state.model, fetchFile)")
    before = device.evaluate(ANSWER, as_text(photo_bytes(1, 71)))

    problem = device.evaluate(
        """() => recognizer.load(
          { ...state.model, version: 99, backbone: { ...state.model.backbone, sha256: "newer" },
            head: { ...state.model.head, sha256: "other" } },
          async (url) => url === state.model.backbone.url ? fetchFile(url) : new ArrayBuffer(0),
        ).then(() => "", (error) => error.message)"""
    )

    assert problem == WORDS["unusable"]
    assert device.evaluate(ANSWER, as_text(photo_bytes(1, 71))) == before


def test_another_pair_is_swapped_while_pictures_are_looked_at(device, trained_shop):
    device.evaluate("recognizer.load(state.model, fetchFile)")

    looked = device.evaluate(
        """async (text) => {
          const image = await picture(text);
          const next = { ...state.model, version: 2, backbone: { ...state.model.backbone, sha256: "newer" } };
          const looks = [recognizer.look(image), recognizer.look(image)];
          const loaded = recognizer.load(next, fetchFile);
          while (looks.at(-1) && recognizer.model.version !== 2) {
            looks.push(recognizer.look(image));
            await looks.at(-1);
          }
          await loaded;
          looks.push(recognizer.look(image));
          const seen = await Promise.all(looks);
          const answers = await Promise.all(
            [seen[0], seen.at(-1)].map(({ vector, backbone }) =>
              recognizer.answer(vector, 1, new Set(state.model.labels), backbone).then(
                ({ version }) => version, (error) => error.message)),
          );
          return [seen.map(({ backbone }) => backbone === "newer"), answers];
        }""",
        as_text(photo_bytes(1, 72)),
    )

    is_newer, answers = looked
    assert (is_newer[0], is_newer[-1], is_newer) == (False, True, sorted(is_newer))
    assert answers == ["This vector was made by another backbone.", 2]


def test_nothing_is_answered_before_a_model_is_there_or_after_it_is_closed(device):
    problems = device.evaluate(
        """async (text) => {
          const told = (promise) => promise.then(() => "", (error) => error.message);
          const image = await picture(text);
          const { vector } = await recognizer.look(image);
          const early = await told(recognizer.answer(new Float32Array(4), 1, new Set()));
          const looking = recognizer.look(image);
          recognizer.close();
          return [vector, early, await told(looking), await told(recognizer.codes(image)),
            await told(recognizer.ready())];
        }""",
        as_text(photo_bytes()),
    )

    assert problems[:2] == [None, "No model has been loaded yet."]
    assert problems[2:4] == [WORDS["closed"]] * 2


STARTS = [
    ("import '/till/nowhere.js';", "broken"),
    ("throw new Error('x');", "broken"),
    ("onmessage = ({ data: { id } }) => postMessage({ id, error: 'ort.wasm: 503' });", "broken"),
    ("", "slow"),
]


@pytest.mark.parametrize(("script", "problem"), STARTS)
def test_a_module_that_does_not_start_says_so(chromium, installation, script, problem):
    page = chromium.new_context(base_url=installation.url).new_page()
    page.route("**/till/worker.js", lambda route: route.fulfill(content_type="text/javascript", body=script))
    page.goto("/till/sw.js")

    found = page.evaluate(
        """async (words) => {
          const { Recognizer } = await import("/static/till/engine/recognizer.js");
          const began = performance.now();
          const recognizer = new Recognizer({ worker: "/till/worker.js", ort: "/x", zxing: "/x", words });
          const message = await recognizer.ready().catch((error) => error.message);
          return [message, performance.now() - began];
        }""",
        WORDS,
    )

    page.context.close()
    assert found[0] == WORDS[problem]
    assert found[1] < 11_000


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
