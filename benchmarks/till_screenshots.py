"""What the till looks like: pictures at every size, light and dark, made from the real thing.

    CHROMIUM=/usr/bin/chromium python -m benchmarks.till_screenshots DIR [--readme]

An installation of its own with the demo's products. One photo of each product is left out of training: these
are what the camera sees.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.support.codes import draw_code
from tests.support.pages.till_page import CAMERA, expect_state, film, part
from tests.support.running.installation import Installation

PASSWORD = "only-for-pictures"  # noqa: S105
WIDTHS = {360: 740, 390: 844, 768: 1024, 1024: 768}
OPTIONS = ["--no-sandbox", "--disable-quic"]
PATIENCE = 60_000  # milliseconds
FRAMES = 300
README_PICTURE = Path(__file__).resolve().parent.parent / "docs" / "images" / "till.png"
GAP = 16  # pixels between two pictures
# Leaves the last photo of each product out, and says what it is answered with once the others are learned.
LEAVE_OUT = """
from catalog.models import Product
for product in Product.objects.all():
    product.images.order_by("filename").last().delete()
"""
ANSWER = """
import json, pathlib
from catalog.models import Shop
from ml_training.recognition.recognize import recognize
shop = Shop.objects.get()
for product in shop.products.order_by("sku"):
    path = sorted(pathlib.Path("demo/photos", product.sku).glob("*.jpg"))[-1]
    answer = recognize(shop, path.read_bytes())
    print(json.dumps([str(path), answer.answer, len(answer.candidates)]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--readme", action="store_true", help="also the picture that README and docs show")
    options = parser.parse_args()
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="till-screenshots-") as data, sync_playwright() as playwright:
        installation = Installation(Path(data), DEMO_PASSWORD=PASSWORD)
        try:
            fill(installation)
            Photographer(installation, playwright.chromium, folder, Path(data)).take_all()
        finally:
            installation.close()
    if options.readme:
        join_for_readme(folder)


def fill(installation: Installation) -> None:
    installation.manage("migrate", "--verbosity", "0")
    installation.manage("demo_setup")
    installation.manage("shell", "-v", "0", "-c", LEAVE_OUT)
    installation.manage("train")
    installation.start("channels", "web")


class Photographer:
    """Opens the till before what its camera sees, and takes a picture at each size and in each scheme."""

    def __init__(self, installation: Installation, chromium, folder: Path, films: Path):
        self._installation, self._chromium, self._folder, self._films = installation, chromium, folder, films

    def take_all(self) -> None:
        lines = self._installation.manage("shell", "-v", "0", "-c", ANSWER).splitlines()
        answers = [json.loads(line) for line in lines if line.startswith("[")]
        named = next(Image.open(path) for path, answer, _ in answers if answer == "NAMED")
        several = max((row for row in answers if row[1] == "CHOOSE"), key=lambda row: row[2])
        self.take("loading", named, lambda page: None, is_ready=False)
        self.take("named", named, lambda page: answered(page, "NAMED"))
        self.take("list", Image.open(several[0]), lambda page: answered(page, "CHOOSE"))
        self.take("barcode", draw_code("2001000557301"), scanned)
        self.take("unsure", draw_code("4006381333931").rotate(20, fillcolor="white"), unsure)
        self.take("offline", named, offline)
        self.take("no-camera", None, by_file(several[0]))
        self.take("no-camera-idle", None, lambda page: expect_state(page, "no-camera"))
        self.take("search", named, search)

    def take(self, name: str, picture: Image.Image | None, prepare, is_ready: bool = True) -> None:
        options = list(OPTIONS)
        if picture:
            path = film(self._films / f"{name}.mjpeg", (square(picture), FRAMES))
            options += [*CAMERA, f"--use-file-for-fake-video-capture={path}"]
        browser = self._chromium.launch(executable_path=os.environ.get("CHROMIUM"), args=options)
        context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(self._pair(name))
        if is_ready:
            expect(page.locator("[data-till-page]")).not_to_have_attribute("data-state", "loading")
        prepare(page)
        page.wait_for_timeout(1000)  # pictures of tiles
        self._shoot(page, name)
        browser.close()

    def _pair(self, name: str) -> str:
        told = self._installation.manage("add_till", name, "--json", "--url", self._installation.url)
        return json.loads(told.strip().splitlines()[-1])["url"]

    def _shoot(self, page: Page, name: str) -> None:
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=self._folder / f"{name}-{width}-{scheme}.png")
        print(name)


def join_for_readme(folder: Path, path: Path = README_PICTURE) -> None:
    """Put the three pictures beside each other that say what a till is."""
    pictures = [Image.open(folder / f"{name}-390-light.png") for name in ("named", "list", "barcode")]
    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) - 1)
    joined, left = Image.new("RGB", (width, pictures[0].height), "white"), 0
    for picture in pictures:
        joined.paste(picture, (left, 0))
        left += picture.width + GAP
    joined.quantize(256).save(path, optimize=True)


def square(picture: Image.Image) -> Image.Image:
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def answered(page: Page, kind: str) -> None:
    expect(part(page, "answer")).to_have_attribute("data-answer", kind, timeout=PATIENCE)


def scanned(page: Page) -> None:
    expect(part(page, "code")).not_to_be_empty(timeout=PATIENCE)
    page.keyboard.type("2001000446308\n")


def unsure(page: Page) -> None:
    expect(part(page, "turn")).to_be_visible(timeout=PATIENCE)


def offline(page: Page) -> None:
    answered(page, "NAMED")
    page.locator("[data-till-confirm]").click()
    page.context.set_offline(True)
    expect_state(page, "offline")
    search(page, "ban")
    page.locator("[data-till-found] button").first.click()


def by_file(path: str):
    def prepare(page: Page) -> None:
        part(page, "file").set_input_files(path)
        answered(page, "CHOOSE")

    return prepare


def search(page: Page, text: str = "milk") -> None:
    part(page, "search").fill(text)


if __name__ == "__main__":
    main()
