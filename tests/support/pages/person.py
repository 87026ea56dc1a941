"""What a person does with the browser, in a few words."""

import json
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.support.running.victim import cookie_of

PATIENCE = 30_000  # milliseconds: a bound, not an expectation
expect.set_options(timeout=PATIENCE)

# Remembers what the page showed, also what was gone before anybody could look.
REMEMBER = """
addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective}`));
addEventListener("DOMContentLoaded", () => {
  window.seen = { statuses: [], progress: [] };
  const badge = document.querySelector("[data-ml=status]");
  const bar = document.querySelector("[data-ml=progress]");
  if (!badge) return;
  const watch = (element, look) => new MutationObserver(look).observe(element, { attributes: true });
  watch(badge, () => window.seen.statuses.push(badge.dataset.status));
  watch(bar, () => { if (!bar.hidden) window.seen.progress.push(bar.value); });
});
"""


class Visitor:
    """A person with a browser; everything that went wrong in any tab is in `errors`."""

    def __init__(self, context: BrowserContext):
        self.context, self.errors, self.heard = context, [], []
        context.set_default_timeout(PATIENCE)
        context.add_init_script(REMEMBER)
        context.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("page", self._listen)

    def _listen(self, page: Page) -> None:
        """Keep every frame that a websocket of this person receives."""

        def hear(frame):
            self.heard.append(str(frame))

        page.on("websocket", lambda socket: socket.on("framereceived", hear))

    def messages(self, kind: str) -> list[dict]:
        """What the websockets of this person have received of one type."""
        return [message for message in map(json.loads, self.heard) if message["type"] == kind]

    def shops_heard_of(self) -> set[int]:
        shops = {info["shop_id"] for message in self.messages("snapshot") for info in message["shops"]}
        shops |= {message["shop_id"] for kind in ("status", "progress") for message in self.messages(kind)}
        return shops | {message["notification"]["shop"] for message in self.messages("notification")}

    def open(self, address: str) -> Page:
        page = self.context.new_page()
        page.goto(address)
        return page

    def log_in(self, user) -> None:
        page = self.open("/admin/login/")
        page.get_by_label("Username").fill(user.username)
        page.get_by_label("Password").fill("password")
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/admin/")
        page.close()

    def let_in(self, user, url: str) -> None:
        """Begin with the session of somebody who has logged in before."""
        name, _, value = cookie_of(user).partition("=")
        self.context.add_cookies([{"name": name, "value": value, "url": url}])

    def open_ml_model(self, shop) -> Page:
        """Open Settings > ML Model and wait until its socket has spoken."""
        page = self.open(f"/admin/settings/ml-model/?shop={shop.slug}")
        expect(page.locator(".bell-list .bell-head")).to_have_count(1)
        return page

    def add_photos(self, product, files: list[Path]) -> Page:
        """Add photos through the admin's product form, with the file chooser, in a tab of its own."""
        page = self.open(f"/admin/catalog/product/{product.pk}/change/")
        with page.expect_file_chooser() as chooser:
            page.get_by_label("Add photos").click()
        chooser.value.set_files(files)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator(".messagelist .success").first).to_contain_text("The recogniser is learning")
        return page


def part(page: Page, name: str):
    return page.locator(f'[data-ml="{name}"]')


def expect_status(page: Page, status: str) -> None:
    expect(part(page, "status")).to_have_attribute("data-status", status)


def toast(page: Page, level: str):
    return page.locator(f'[data-toast="{level}"]').last


def unread(page: Page):
    return page.locator("[data-unread]")


def tab_to(page: Page, selector: str, most: int = 60) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by keyboard")
