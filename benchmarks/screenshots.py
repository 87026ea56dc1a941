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

from tests.support.installation import Installation

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


def tell_the_story(installation: Installation, browser, everything: Path | None) -> None:
    """Idle before there are photos, training on the demo's products, active."""
    installation.manage("migrate", "--verbosity", "0")
    installation.manage("createsuperuser", "--noinput", "--username", USER, "--email", "a@b.example")
    installation.start()
    state = log_in(browser, installation.url)

    def picture(address: str, path: Path, size=DESKTOP, scheme="light", before=lambda page: None) -> None:
        context = browser.new_context(
            storage_state=state,
            base_url=installation.url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
        )
        page = context.new_page()
        page.goto(address)
        page.locator(".bell-list .bell-head").wait_for(state="attached")
        page.wait_for_load_state("networkidle")
        before(page)
        save(page.screenshot(full_page=True), path)
        context.close()

    def all_sizes(name: str) -> None:
        for size in (DESKTOP, TABLET, PHONE) if everything else ():
            for scheme in ("light", "dark"):
                picture(PAGE, everything / f"{name}-{size[0]}-{scheme}.png", size, scheme)

    picture(PAGE, IMAGES / "ml-model-idle.png")
    all_sizes("idle")

    context = browser.new_context(
        storage_state=state, base_url=installation.url, viewport={"width": DESKTOP[0], "height": DESKTOP[1]}
    )
    page = context.new_page()
    page.goto(PAGE)
    installation.manage("demo_setup")
    show_half_way(installation, page)
    save(page.screenshot(full_page=True), IMAGES / "ml-model-training.png")
    all_sizes("training")
    resume(installation)
    page.locator('[data-ml=status][data-status="active"]').wait_for(timeout=PATIENCE)
    page.locator("[data-toast=success]").last.wait_for()
    save(page.screenshot(full_page=True), IMAGES / "ml-model-toast.png")
    context.close()

    picture(PAGE, IMAGES / "ml-model-active.png")
    picture(PAGE, IMAGES / "ml-model-dark.png", scheme="dark", before=open_bell)
    picture(PAGE, IMAGES / "ml-model-phone.png", PHONE)
    all_sizes("active")
    picture(PRODUCTS, IMAGES / "product-list.png")
    first = installation.manage("shell", "-v", "0", "-c", FIRST_PRODUCT).strip()
    picture(f"{PRODUCTS}{first}/change/", IMAGES / "product-form.png")
    for size in (TABLET, PHONE) if everything else ():
        picture(PRODUCTS, everything / f"list-{size[0]}.png", size, "dark")
        picture(f"{PRODUCTS}{first}/change/", everything / f"form-{size[0]}.png", size, "dark")


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
