"""What the tests of the till's engine share: a bare page of its site, and a recognizer in it."""

import base64

import pytest

from till.devices import add_till

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
WORDS = {
    "broken": "It broke.",
    "slow": "It is slow.",
    "closed": "It was closed.",
    "unusable": "The model cannot be opened.",
}


def as_text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def is_fault(message) -> bool:
    """Whether the console complains; a bare script has no icon, which browsers ask for all the same."""
    return message.type == "error" and not message.location["url"].endswith("/favicon.ico")


@pytest.fixture
def bare_page(chromium, installation):
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
def device(bare_page, trained_shop):
    """The page with a recognizer that has not loaded the shop's model yet."""
    bare_page.evaluate(OPEN, {"token": add_till(trained_shop, "Counter")[1], "words": WORDS})
    return bare_page
