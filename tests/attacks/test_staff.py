"""Five people work in two tabs each on the same ten products: no fault, and nothing that they typed is lost.

Twelve seconds usually, two minutes with ATTACK_ROUNDS=10.
"""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx
import pytest

from catalog.models import Product, ProductImage
from tests.factories import make_staff, photo_bytes
from tests.support.pages.forms import form_fields, page_of
from tests.support.running.victim import ROUNDS, SEED, Victim, cookie_of

SECONDS = 12 * ROUNDS
PEOPLE, TABS, PRODUCTS = 5, 2, 10


@dataclass
class Typed:
    """A value that the site said it saved, and between which moments that was."""

    product: int
    name: str
    value: str
    sent: float
    done: float


@dataclass
class Ledger:
    """What everybody did, to be compared with what is there at the end."""

    saved: list[Typed] = field(default_factory=list)
    photos: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    outcomes: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Tab:
    """One browser tab: it opens a form, leaves it open for a while, and saves."""

    def __init__(self, victim: Victim, cookie: str, number: int, ledger: Ledger):
        self.chance, self.number, self.ledger = random.Random(f"{SEED} {number}"), number, ledger
        cookies = dict([cookie.split("=", 1)])
        self.http = httpx.Client(base_url=victim.url, cookies=cookies, timeout=60, trust_env=False)
        self.counter = 0

    def work(self, products: list[Product], until: float) -> None:
        try:
            while time.monotonic() < until:
                self._edit(self.chance.choice(products))
        except Exception as error:  # noqa: BLE001 (told at the end, with those of the other tabs)
            self.ledger.faults.append(repr(error))

    def _edit(self, product: Product) -> None:
        page = self.http.get(page_of(product))
        assert page.status_code == 200, page.status_code
        form = form_fields(page)
        time.sleep(self.chance.uniform(0, 0.3))
        self.counter += 1
        name = self.chance.choice(["name", "barcode", "price"])
        value = {
            "name": f"Product {self.number}-{self.counter}",
            "barcode": f"{self.number:03}{self.counter:05}",
            "price": f"{self.counter}.{self.number:02}",
        }[name]
        files, deleted = self._photos(form)
        self._save(product, form, name, value, files, deleted)

    def _photos(self, form: dict) -> tuple[dict, str]:
        kind = self.chance.randrange(4)
        if kind == 0:
            name = f"{self.number}-{self.counter}.jpg"
            return {"new_photos": (name, photo_bytes(self.number, self.counter), "image/jpeg")}, ""
        rows = [key for key in form if key.endswith("-id") and key.startswith("images-") and form[key]]
        if kind == 1 and rows:
            row = self.chance.choice(rows)
            form[row.removesuffix("-id") + "-DELETE"] = "on"
            return {}, form[row]
        return {}, ""

    def _save(self, product: Product, form: dict, name: str, value: str, files: dict, deleted: str) -> None:
        form[name] = value
        for _ in range(10):
            sent = time.monotonic()
            if deleted:
                self.ledger.deleted.add(deleted)
            answer = self.http.post(page_of(product), data=form, files=files or None)
            self.ledger.outcomes[answer.status_code] += 1
            if answer.status_code == 302:
                self.ledger.saved.append(Typed(product.pk, name, value, sent, time.monotonic()))
                self.ledger.photos |= {file[0] for file in files.values()}
                return
            assert answer.status_code == 200, f"{answer.status_code}: {answer.text[:300]}"
            again = form_fields(answer)
            assert again[name] == value, "what was typed is not in the form any more"
            form = again
        raise AssertionError("ten times in a row somebody else was first")


@pytest.mark.django_db(transaction=True)
def test_nothing_that_anybody_typed_is_lost(victim):
    products = [
        Product.objects.create(shop=victim.shop, sku=f"S{n}", name=f"Product {n}") for n in range(PRODUCTS)
    ]
    ledger, until = Ledger(), time.monotonic() + SECONDS
    cookies = [cookie_of(make_staff(f"person-{n}", victim.shop)) for n in range(PEOPLE)]
    tabs = [Tab(victim, cookies[n % PEOPLE], n, ledger) for n in range(PEOPLE * TABS)]
    threads = [threading.Thread(target=tab.work, args=(products, until)) for tab in tabs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS + 120)
    assert ledger.faults == []
    assert set(ledger.outcomes) <= {200, 302}
    assert ledger.outcomes[302] >= PEOPLE * TABS, "a machine that is too slow to say anything"
    _compare(ledger, products)
    victim.answers()


def _compare(ledger: Ledger, products: list[Product]) -> None:
    for product in products:
        product.refresh_from_db()
        for name in ("name", "barcode", "price"):
            saved = [one for one in ledger.saved if (one.product, one.name) == (product.pk, name)]
            # Of saves at the same moment either may be the last; none before them.
            last = [one.value for one in saved if not any(other.sent > one.done for other in saved)]
            assert not saved or str(getattr(product, name)) in last, (name, last)
    kept = dict(ProductImage.objects.values_list("filename", "pk"))
    missing = ledger.photos - set(kept)
    assert len(missing) <= len(ledger.deleted), "photos went that nobody deleted"
