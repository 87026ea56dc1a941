"""How soon does the gate see labels that are wrong, and does it let pass what is right?

    python -m benchmarks.poisoned TRAIN_DIR TEST_DIR [--draws 6]

Both folders hold folders named by SKU. Each draw is a shop of some of the products with so many photos each.
At once: every tenth label is swapped for any other; then, the other way round, put right again. Little by
little: before each of 14 trainings two labels are swapped, or photos come: two on a wrong product, or with
them five on the right ones, or seven on the right ones, of TRAIN_DIR or of TEST_DIR, or a new product with
its photos. Each new version is compared with the one that serves and with the best one before, and what came
lately is looked at together, as `gate` does.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.installation import show, write
from benchmarks.recognition import Labelled, read
from ml_training.gate.judge import list_changes, list_lost
from ml_training.gate.mislabelled import find_mislabelled_since
from ml_training.gate.rules import RULES
from ml_training.models import ModelVersion
from ml_training.recognizer.train import fit_model

SHOPS = ((8, 5), (8, 10), (12, 10), (30, 5), (30, 10), (60, 10))  # products, photos of each
AT_ONCE = ("a tenth swapped", "a tenth put right")
TRAININGS, SWAPPED = 14, 2
WRONG_AND_RIGHT = {
    "two wrong ones": (2, 0),
    "two wrong, five right": (2, 5),
    "seven right ones": (0, 7),
    "seven from elsewhere": (0, 7),
}
STEPS = ("two swapped", *WRONG_AND_RIGHT, "a product")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--draws", type=int, default=6)
    options = parser.parse_args()
    skus, train = read(options.train)
    test = read(options.test, skus)[1]
    result = {}
    for products, photos in SHOPS:
        facts = {}
        for name in AT_ONCE:
            held = [at_once(Shop(train, test, products, photos, s), name) for s in range(options.draws)]
            facts[name] = f"{sum(held)} of {len(held)}"
        for name in STEPS:
            after = [
                little_by_little(Shop(train, test, products, photos, s), name) for s in range(options.draws)
            ]
            found = sorted(training for training in after if training)
            when = f", after {np.median(found):.0f}" if found else ""
            facts[name] = f"{len(found)} of {len(after)}{when}"
        result[f"{products} products, {photos} photos each"] = facts
    rows = [(name, *facts.values()) for name, facts in result.items()]
    show("Shops whose next version was held back, after how many trainings", [("shop", *facts), *rows])
    write("poisoned", result)


def is_worse(earlier: ModelVersion, new: ModelVersion) -> bool:
    """Whether the photos that both judged speak against the new version."""
    known = {product for product, _ in earlier.cross_validated.values()}
    return bool(list_lost([change for change in list_changes(earlier, new) if change.after in known]))


class Shop:
    """Some photos with the labels they have, the photos to come, and the versions that were made."""

    def __init__(self, train: Labelled, test: Labelled, products: int, photos: int, seed: int):
        rng = np.random.default_rng([seed, products, photos])
        everything = rng.permutation(int(train.labels.max()) + 1)
        self.rng, self.photos, self.trained = rng, photos, len(train.labels)
        self.vectors = np.concatenate([train.vectors, test.vectors])
        self.shows = np.concatenate([train.labels, test.labels])
        self.own, self.others = everything[:products], everything[products:].tolist()
        stock = [rng.permutation(np.flatnonzero(train.labels == product)) for product in self.own]
        self.rows = np.concatenate([rows[:photos] for rows in stock])
        self.more = rng.permutation(np.concatenate([rows[photos:] for rows in stock])).tolist()
        elsewhere = np.flatnonzero(np.isin(test.labels, self.own)) + len(train.labels)
        self.elsewhere = rng.permutation(elsewhere).tolist()
        self.labels = self.shows[self.rows].copy()
        self.since = np.zeros(len(self.rows), int)
        self.untouched = rng.permutation(len(self.rows)).tolist()

    def wrong(self, label: int) -> int:
        return int(self.rng.choice(self.own[self.own != label]))

    def swap(self, count: int, training: int) -> None:
        for _ in range(count):
            place = self.untouched.pop()
            self.labels[place], self.since[place] = self.wrong(self.labels[place]), training

    def add(self, rows: list[int], labels: list[int], training: int) -> None:
        if not len(rows):
            return
        self.rows, self.labels = np.append(self.rows, rows), np.append(self.labels, labels)
        self.since = np.append(self.since, [training] * len(rows))

    def train_version(self, number: int) -> ModelVersion:
        products, classes = np.unique(self.labels, return_inverse=True)
        fitted = fit_model(self.vectors[self.rows], classes.astype(np.int64), lambda: None)
        evidence = {
            "mistaken": self.pairs(products, fitted.misclassified),
            "strangers": self.pairs(products, fitted.outliers),
        }
        facts = {
            "cross_validated": self.pairs(products, fitted.answers),
            "evidence": evidence,
            "metrics": fitted.metrics,
        }
        return ModelVersion(number=number, photos=len(self.rows), **facts)

    def pairs(self, products: np.ndarray, others: np.ndarray) -> dict[str, list[int]]:
        return {
            str(row): [int(label), int(products[other])]
            for row, label, other in zip(self.rows, self.labels, others, strict=True)
            if other >= 0
        }

    def is_misplaced(self, new: ModelVersion, served: list[ModelVersion]) -> bool:
        since = {
            str(row): int(s)
            for row, s in zip(self.rows, self.since, strict=True)
            if str(row) in new.cross_validated
        }
        return find_mislabelled_since(since, new.outliers, [version.number for version in served]) is not None


def at_once(shop: Shop, name: str) -> bool:
    good = shop.train_version(0)
    shop.swap(len(shop.rows) // 10, 1)
    bad = shop.train_version(0)
    earlier, new = (good, bad) if name == "a tenth swapped" else (bad, good)
    return is_worse(earlier, new) or shop.is_misplaced(new, [earlier])


def little_by_little(shop: Shop, name: str) -> int | None:
    """The first training whose version was held back; None if none was."""
    served = [shop.train_version(0)]
    for training in range(1, TRAININGS + 1):
        change(shop, name, training)
        new = shop.train_version(training)
        like_it = [
            version for version in served if version.photos >= RULES.min_size_ratio * served[-1].photos
        ]
        best = max(like_it, key=lambda version: (version.metrics["accuracy"], version.number))
        if is_worse(served[-1], new) or is_worse(best, new) or shop.is_misplaced(new, served):
            return training
        served.append(new)
    return None


def change(shop: Shop, name: str, training: int) -> None:
    if name == "two swapped":
        shop.swap(SWAPPED, training)
    elif name == "a product":
        if shop.others:
            product = shop.others.pop()
            rows = shop.rng.permutation(np.flatnonzero(shop.shows[: shop.trained] == product))[: shop.photos]
            shop.add(rows, [product] * len(rows), training)
    else:
        source = shop.elsewhere if name == "seven from elsewhere" else shop.more
        wrong, right = WRONG_AND_RIGHT[name]
        rows = [source.pop() for _ in range(min(wrong + right, len(source)))]
        labels = [int(label) for label in shop.shows[rows]]
        shop.add(rows, [*map(shop.wrong, labels[:wrong]), *labels[wrong:]], training)


if __name__ == "__main__":
    main()
