"""Does the gate see what goes wrong with few photos, and let pass what is right?

    python -m benchmarks.gate TRAIN_DIR TEST_DIR [--draws 3]

Both folders hold folders named by SKU. Each draw is a shop of some of the products with so many photos of
each. In turn, each product gets new photos, beside its own or in their place: other ones of the product that
is most like it, of any other, of the product itself, and of the product itself taken elsewhere (the test
photos); and the version that serves is asked. Then products are added: one of the shop again, with other
photos, and one that it does not have; or a product gets as many photos again, of the one most like it or its
own; and it is seen whether they take the photos of another away.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.installation import show, write
from benchmarks.recognition import Labelled, read
from ml_training.gate.evidence import find_confused_class
from ml_training.gate.rules import RULES
from ml_training.recognizer.calibration import softmax
from ml_training.recognizer.head import Head
from ml_training.recognizer.train import fit_model

SHOPS = ((10, 5), (10, 12), (30, 5), (30, 10), (81, 3), (81, 5), (81, 10))  # products, photos of each
REPLACED = ("the most alike", "any other", "itself", "itself, elsewhere")
ADDED = ("the same again", "another")
GROWN = ("alike added", "own added")
TRIED = 8  # products of each shop, or added to it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--draws", type=int, default=3)
    options = parser.parse_args()
    skus, train = read(options.train)
    test = read(options.test, skus)[1]
    result = {}
    for products, photos in SHOPS:
        hits: dict[str, list[bool]] = {name: [] for name in REPLACED + ADDED + GROWN}
        for seed in range(options.draws):
            shop = Shop(train, min(products, len(skus)), photos, seed)
            replace_photos(shop, test, hits)
            add_products(shop, hits)
            add_photos(shop, hits)
        shares = {name: round(float(np.mean(found)), 3) if found else None for name, found in hits.items()}
        result[f"{products} products, {photos} photos each"] = shares
    rows = [(name, *("" if s is None else s for s in shares.values())) for name, shares in result.items()]
    show("Share held back, by what the new photos show or what product was added", [("shop", *hits), *rows])
    write("gate", result)


class Shop:
    """Some products with some photos, the rest of their photos, and the head that serves."""

    def __init__(self, train: Labelled, products: int, photos: int, seed: int):
        rng = np.random.default_rng([seed, products, photos])
        order = rng.permutation(int(train.labels.max()) + 1)
        self.train, self.rng, self.own, self.others = train, rng, order[:products], order[products:]
        rows = [rng.permutation(np.flatnonzero(train.labels == product)) for product in self.own]
        self.stock = [own[:photos] for own in rows]
        self.more = [own[photos : 2 * photos] for own in rows]
        self.head, self.answers = self.fit(self.stock)

    def most_like(self, place: int) -> int:
        taught = softmax(self.head.logits(self.train.vectors[self.stock[place]])).mean(axis=0)
        taught[place] = -1
        return int(taught.argmax())

    def fit(self, stock: list[np.ndarray]) -> tuple[Head, list[np.ndarray]]:
        """The head of some rows a product, and what was answered without each."""
        labels = np.repeat(np.arange(len(stock)), [len(rows) for rows in stock]).astype(np.int64)
        photos = self.train.only(np.concatenate(stock))
        fitted = fit_model(photos.vectors, labels, lambda: None, None, photos.looks_of_few(labels))
        return fitted.head, [fitted.answers[labels == label] for label in range(len(stock))]


def replace_photos(shop: Shop, test: Labelled, hits: dict[str, list[bool]]) -> None:
    for place, product in enumerate(shop.own):
        another = shop.rng.choice(np.delete(np.arange(len(shop.own)), place))
        photos = [shop.train.vectors[shop.more[index]] for index in (shop.most_like(place), another, place)]
        for name, vectors in zip(REPLACED, [*photos, test.vectors[test.labels == product]], strict=True):
            if len(vectors) >= RULES.min_new_photos:
                hits[name].append(
                    find_confused_class(softmax(shop.head.logits(vectors)), place, RULES.contradicted)
                    is not None
                )


def add_products(shop: Shop, hits: dict[str, list[bool]]) -> None:
    outliers = [np.flatnonzero(shop.train.labels == product) for product in shop.others[:TRIED]]
    twins = [shop.more[place] for place in range(min(TRIED, len(shop.own)))]
    size = len(shop.stock[0])
    for name, added in (("the same again", twins), ("another", [rows[:size] for rows in outliers])):
        for rows in added:
            if len(rows) < RULES.min_new_photos:
                continue
            _, answers = shop.fit([*shop.stock, rows])
            hits[name].append(is_taken_over(shop.answers, answers, len(shop.stock)))


def add_photos(shop: Shop, hits: dict[str, list[bool]]) -> None:
    for place in range(min(TRIED, len(shop.own))):
        for name, source in zip(GROWN, (shop.most_like(place), place), strict=True):
            if len(shop.more[source]) < RULES.min_new_photos:
                continue
            stock = [*shop.stock]
            stock[place] = np.concatenate([stock[place], shop.more[source]])
            _, answers = shop.fit(stock)
            hits[name].append(is_taken_over(shop.answers, answers, place))


def is_taken_over(before: list[np.ndarray], after: list[np.ndarray], by: int) -> bool:
    """Whether one product takes at least TAKEN of the photos of another that were right."""
    for place, answers in enumerate(before):
        if place == by:
            continue
        right = answers == place
        lost = (after[place][: len(right)][right] == by).sum()
        if lost >= max(RULES.min_taken, RULES.min_share_taken * right.sum()):
            return True
    return False


if __name__ == "__main__":
    main()
