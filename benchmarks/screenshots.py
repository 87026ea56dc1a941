"""What the pages look like: pictures for README and docs, made from the real thing.

    CHROMIUM=/usr/bin/chromium python -m benchmarks.screenshots [--all DIR]

An installation of its own with the demo's products: every picture shows what web and worker really did.
`--all` writes the ML Model page in each of its states at 360, 768 and 1440 px, light and dark, into a folder.
"""

import argparse
import io
import os
import signal
import tempfile
from pathlib import Path

from PIL import Image

from tests.support.running.installation import Installation

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
USER = "manager"  # the user demo comes with the products
PASSWORD = "only-for-pictures"  # noqa: S105
PAGE, PRODUCTS = "/admin/settings/ml-model/", "/admin/catalog/product/"
DESKTOP, TABLET, PHONE = (1440, 900), (768, 1024), (360, 740)
LARGEST = 150_000  # bytes
PATIENCE = 120_000  # milliseconds


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", type=Path, metavar="DIR", help="also every size and scheme, into DIR")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="screenshots-") as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM"), args=["--no-sandbox", "--disable-quic"]
        )
        installation = Installation(Path(folder), DJANGO_SUPERUSER_PASSWORD=PASSWORD, DEMO_PASSWORD=PASSWORD)
        try:
            tell_the_story(installation, browser, options.all)
        finally:
            installation.close()
            browser.close()


class Camera:
    """Takes pictures of an installation's pages as the user who logged in sees them."""

    def __init__(self, installation: Installation, browser, everything: Path | None):
        self._browser, self._url, self._everything = browser, installation.url, everything
        self._state = log_in(browser, installation.url)

    def open(self, address: str, size=DESKTOP, scheme="light"):
        context = self._browser.new_context(
            storage_state=self._state,
            base_url=self._url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
        )
        page = context.new_page()
        page.goto(address)
        return page

    def take(self, address: str, path: Path, size=DESKTOP, scheme="light", before=lambda page: None) -> None:
        page = self.open(address, size, scheme)
        page.locator(".bell-list .bell-head").wait_for(state="attached")
        page.wait_for_load_state("networkidle")
        before(page)
        save(page.screenshot(full_page=True), path)
        page.context.close()

    def take_all_sizes(self, name: str) -> None:
        for size in (DESKTOP, TABLET, PHONE) if self._everything else ():
            for scheme in ("light", "dark"):
                self.take(PAGE, self._everything / f"{name}-{size[0]}-{scheme}.png", size, scheme)

    def take_small_sizes(self, address: str, name: str) -> None:
        for size in (TABLET, PHONE) if self._everything else ():
            self.take(address, self._everything / f"{name}-{size[0]}.png", size, "dark")


def tell_the_story(installation: Installation, browser, everything: Path | None) -> None:
    """Idle before there are photos, training on the demo's products, active."""
    installation.manage("migrate", "--verbosity", "0")
    installation.manage("createsuperuser", "--noinput", "--username", USER, "--email", "a@b.example")
    installation.start()
    camera = Camera(installation, browser, everything)
    camera.take(PAGE, IMAGES / "ml-model-idle.png")
    camera.take_all_sizes("idle")
    show_training(installation, camera)
    camera.take(PAGE, IMAGES / "ml-model-active.png")
    camera.take(PAGE, IMAGES / "ml-model-dark.png", scheme="dark", before=open_bell)
    camera.take(PAGE, IMAGES / "ml-model-phone.png", PHONE)
    camera.take_all_sizes("active")
    camera.take(PRODUCTS, IMAGES / "product-list.png")
    first = installation.manage("shell", "-v", "0", "-c", FIRST_PRODUCT).strip()
    camera.take(f"{PRODUCTS}{first}/change/", IMAGES / "product-form.png")
    camera.take_small_sizes(PRODUCTS, "list")
    camera.take_small_sizes(f"{PRODUCTS}{first}/change/", "form")


def show_training(installation: Installation, camera: Camera) -> None:
    """The page stays open while the demo's products are trained, and shows the end by itself."""
    page = camera.open(PAGE)
    installation.manage("demo_setup")
    show_half_way(installation, page)
    save(page.screenshot(full_page=True), IMAGES / "ml-model-training.png")
    camera.take_all_sizes("training")
    resume(installation)
    page.locator('[data-ml=status][data-status="active"]').wait_for(timeout=PATIENCE)
    page.locator("[data-toast=success]").last.wait_for()
    save(page.screenshot(full_page=True), IMAGES / "ml-model-toast.png")
    page.context.close()


FIRST_PRODUCT = "from catalog.models import Product; print(Product.objects.first().pk)"


def log_in(browser, url: str) -> dict:
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto(PAGE)
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"**{PAGE}")
    state = context.storage_state()
    context.close()
    return state


def show_half_way(installation: Installation, page) -> None:
    """Halt the worker where the bar is well on its way, so that a picture can be taken of it."""
    page.locator('[data-ml=status][data-status="training"]').wait_for(timeout=PATIENCE)
    while page.locator("[data-ml=progress]").evaluate("bar => bar.value") < 45:
        page.wait_for_timeout(50)
    os.killpg(installation.queue_pid(), signal.SIGSTOP)
    page.wait_for_timeout(500)


def resume(installation: Installation) -> None:
    os.killpg(installation.queue_pid(), signal.SIGCONT)


def open_bell(page) -> None:
    page.locator(".bell-button").click()
    page.mouse.move(0, 0)


def save(png: bytes, path: Path) -> None:
    """With as many colours as the file may have to stay small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in (256, 128, 64, 32):
        image.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= LARGEST:
            break
    print(f"{path.name:24} {image.width} × {image.height}, {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
