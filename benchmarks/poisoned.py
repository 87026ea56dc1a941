"""How soon does the gate see labels that are wrong, and does it let pass what is right?

    python -m benchmarks.poisoned TRAIN_DIR [--draws 6]

The folder holds folders named by SKU. Each draw is a shop of some of the products with so many photos each.
At once: every tenth label is swapped for any other; then, the other way round, put right again. Little by
little: before each of 14 trainings two labels are swapped, or two photos come on a wrong product, or five on
the right one, or a new product comes. Each new version is compared with the one that serves and with the best
one before, as `gate` does.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.installation import show, write
from benchmarks.recognition import Labelled, read
from ml_training.gate import LIKE_IT, is_worse
from ml_training.models import ModelVersion
from ml_training.recognizer.fitting import fit_model

SHOPS = ((8, 5), (8, 10), (12, 10), (30, 5), (30, 10), (60, 10))  # products, photos of each
AT_ONCE = ("a tenth swapped", "a tenth put right")
STEPS = ("two swapped", "two wrong ones", "five right ones", "a product")
TRAININGS, SWAPPED, RIGHT = 14, 2, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--draws", type=int, default=6)
    options = parser.parse_args()
    _, train = read(options.train)
    result = {}
    for products, photos in SHOPS:
        facts = {}
        for name in AT_ONCE:
            held = [at_once(Shop(train, products, photos, s), name) for s in range(options.draws)]
            facts[name] = f"{sum(held)} of {len(held)}"
        for name in STEPS:
            after = [little_by_little(Shop(train, products, photos, s), name) for s in range(options.draws)]
            found = sorted(training for training in after if training)
            when = f", after {np.median(found):.0f}" if found else ""
            facts[name] = f"{len(found)} of {len(after)}{when}"
        result[f"{products} products, {photos} photos each"] = facts
    rows = [(name, *facts.values()) for name, facts in result.items()]
    show("Shops whose next version was held back, after how many trainings", [("shop", *facts), *rows])
    write("poisoned", result)


class Shop:
    """Some photos with the labels they have, the photos to come, and the versions that were made."""

    def __init__(self, train: Labelled, products: int, photos: int, seed: int):
        rng = np.random.default_rng([seed, products, photos])
        everything = rng.permutation(int(train.labels.max()) + 1)
        self.train, self.rng, self.photos = train, rng, photos
        self.own, self.others = everything[:products], everything[products:].tolist()
        stock = [rng.permutation(np.flatnonzero(train.labels == product)) for product in self.own]
        self.rows = np.concatenate([rows[:photos] for rows in stock])
        self.more = rng.permutation(np.concatenate([rows[photos:] for rows in stock])).tolist()
        self.labels = train.labels[self.rows].copy()
        self.untouched = rng.permutation(len(self.rows)).tolist()

    def wrong(self, label: int) -> int:
        return int(self.rng.choice(self.own[self.own != label]))

    def swap(self, count: int) -> None:
        for _ in range(count):
            place = self.untouched.pop()
            self.labels[place] = self.wrong(self.labels[place])

    def add(self, rows: list[int], labels: list[int]) -> None:
        self.rows, self.labels = np.append(self.rows, rows), np.append(self.labels, labels)

    def train_version(self, number: int) -> ModelVersion:
        products, classes = np.unique(self.labels, return_inverse=True)
        fitted = fit_model(self.train.vectors[self.rows], classes.astype(np.int64), lambda: None)
        judged = {
            str(row): [int(label), int(products[answer])]
            for row, label, answer in zip(self.rows, self.labels, fitted.answers, strict=True)
            if answer >= 0
        }
        return ModelVersion(number=number, judged=judged, metrics=fitted.metrics, photos=len(self.rows))


def at_once(shop: Shop, name: str) -> bool:
    good = shop.train_version(1)
    shop.swap(len(shop.rows) // 10)
    bad = shop.train_version(2)
    return is_worse(good, bad) if name == "a tenth swapped" else is_worse(bad, good)


def little_by_little(shop: Shop, name: str) -> int | None:
    """The first training whose version was held back; None if none was."""
    served = [shop.train_version(0)]
    for training in range(1, TRAININGS + 1):
        change(shop, name)
        new = shop.train_version(training)
        like_it = [version for version in served if version.photos >= LIKE_IT * served[-1].photos]
        best = max(like_it, key=lambda version: (version.metrics["accuracy"], version.number))
        if is_worse(served[-1], new) or is_worse(best, new):
            return training
        served.append(new)
    return None


def change(shop: Shop, name: str) -> None:
    if name == "two swapped":
        shop.swap(SWAPPED)
    elif name == "a product":
        if shop.others:
            product = shop.others.pop()
            rows = shop.rng.permutation(np.flatnonzero(shop.train.labels == product))[: shop.photos]
            shop.add(rows, [product] * len(rows))
    else:
        count = SWAPPED if name == "two wrong ones" else RIGHT
        rows = [shop.more.pop() for _ in range(min(count, len(shop.more)))]
        labels = shop.train.labels[rows]
        shop.add(rows, labels if name == "five right ones" else [shop.wrong(label) for label in labels])


if __name__ == "__main__":
    main()
