"""A till in a browser: opens one with its token, and films what its camera sees."""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

SIDE, WIDTH = 480, 640  # pixels of a film; the middle square is what a till looks at
GREY = (90, 90, 90)
EMPTY = Image.new("RGB", (SIDE, SIDE), GREY)
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
WATCH = """addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective}`);
});"""
# For each painted frame: the colour in the middle, and which products have their name or price on the page.
RECORD = """() => {
  window.seen = [];
  const video = document.querySelector("video");
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const look = () => {
    const { videoWidth: width, videoHeight: height } = video;
    pen.drawImage(video, width / 2, height / 2, 8, 8, 0, 0, 1, 1);
    const [red, green] = pen.getImageData(0, 0, 1, 1).data;
    const answer = document.querySelector("[data-till=answer]");
    const tiles = [...answer.querySelectorAll("[data-till=candidate]")].map((one) => one.dataset.sku);
    const first = answer.dataset.sku || tiles[0] || "";
    seen.push({ isRed: red > green + 60, isGreen: green > red + 60, first });
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}"""
# A device that is offline or turned away hears so from the network; that is no fault of the page.
EXPECTED = ("net::ERR_INTERNET_DISCONNECTED", "status of 401")


def film(path: Path, *parts: tuple[Image.Image, int]) -> str:
    """Write a film that shows each picture for so many frames, and then begins again. Gives its path."""
    with path.open("wb") as file:
        for picture, frames in parts:
            file.write(_frame(picture) * frames)
    return str(path)


def _frame(picture: Image.Image) -> bytes:
    frame, buffer = Image.new("RGB", (WIDTH, SIDE), GREY), io.BytesIO()
    frame.paste(picture.convert("RGB").resize((SIDE, SIDE)), ((WIDTH - SIDE) // 2, 0))
    frame.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def part(page: Page, name: str):
    """One of the page's stable hooks."""
    return page.locator(f'[data-till="{name}"]')


def tile(page: Page, sku: str):
    return page.locator(f'[data-till="answer"] [data-till="candidate"][data-sku="{sku}"]')


def scan(page: Page, code: str) -> None:
    """Type a code and Enter as a hand scanner does: at once, wherever the focus is."""
    page.evaluate(
        """(keys) => {
          for (const key of keys) {
            const options = { key, bubbles: true, cancelable: true };
            (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", options));
          }
        }""",
        [*code, "Enter"],
    )


def expect_state(page: Page, state: str) -> None:
    expect(page.locator("[data-till-page]")).to_have_attribute("data-state", state)


def listen(context) -> list[str]:
    """What the pages of a browser complain of, from now on."""
    faults: list[str] = []

    def hear(message):
        if message.type == "error" and not any(text in message.text for text in EXPECTED):
            faults.append(message.text)

    context.add_init_script(WATCH)
    context.on("console", hear)
    context.on("weberror", lambda error: faults.append(str(error.error)))
    return faults
