"""How many photos of products that a shop does not have get a name, in shops of different sizes?

    python -m benchmarks.unknown_products TRAIN_DIR TEST_DIR [--draws 16]

Both folders hold folders named by SKU. Each draw is a shop of some of the products, with so many photos of
each: by lot in one draw, the first ones in the next. All photos of all other products are shown to it, each
product weighing the same; and the test photos of its own products, to see how many of these get a name.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.estimates import first_photos
from benchmarks.installation import show, write
from benchmarks.recognition import Labelled, draw, read
from ml_training.recognizer.answers.promise import MAX_FOREIGN_NAMED
from ml_training.recognizer.train import Fitted, fit_model
from ml_training.versions.load import LoadedModel

SHOPS = (
    (4, 20),
    (6, 20),
    (6, 5),
    (10, 20),
    (10, 5),
    (20, 20),
    (20, 5),
    (40, 20),
    (60, 20),
)  # products, photos
PROMISE = (0.02, 0.05, 1)  # names that may be wrong, foreign photos shown, photos taken together
SHOPS_WITH_SOME_OFF = ((60, 20), (30, 10), (12, 20))
OFF = (0.25, 0.5, 0.75, 0.9)  # shares of the products


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--draws", type=int, default=16)
    options = parser.parse_args()
    skus, train = read(options.train)
    test = read(options.test, skus)[1]
    answered = all_answered(train, test, options.draws)
    show("Photos named where 2 of 100 names may be wrong", table(answered))
    off = some_off(train, test, options.draws)
    show("The same with some of the products switched off", table(off))
    write("unknown_products", {"all answered": answered, "some off": off})


def name_of(products: int, photos: int) -> str:
    return f"{products} products, {photos} photos each"


def table(facts: dict[str, dict]) -> list[tuple]:
    columns = list(next(iter(facts.values())))
    return [("shop", *columns), *((name, *row.values()) for name, row in facts.items())]


def all_answered(train: Labelled, test: Labelled, draws: int) -> dict[str, dict]:
    result = {}
    for products, photos in SHOPS:
        if products <= train.labels.max():
            shares = np.array([try_shop(train, test, products, photos, seed) for seed in range(draws)])
            result[name_of(products, photos)] = summary(*shares.T)
    return result


def some_off(train: Labelled, test: Labelled, draws: int) -> dict[str, dict]:
    off = {}
    for products, photos in SHOPS_WITH_SOME_OFF:
        for share in OFF:
            shops = [with_some_off(train, test, products, photos, share, seed) for seed in range(draws)]
            unknown, known, switched_off = np.array(shops).T
            off[f"{name_of(products, photos)}, {share:.0%} off"] = {
                "unknown named": round(float(unknown.mean()), 4),
                "worst draw": round(float(unknown.max()), 4),
                "of those off": round(float(np.nanmean(switched_off)), 4),
                "known named": round(float(np.nanmean(known)), 4),
            }
    return off


def try_shop(train: Labelled, test: Labelled, products: int, photos: int, seed: int) -> tuple[float, ...]:
    """The share of unknown and of known photos that one shop names, and what it said of the latter."""
    own, fitted = fit_shop(train, products, photos, seed)
    model = LoadedModel(1, "", fitted.head, own)
    everything = np.ones(products, bool)
    strange = [part.only(~np.isin(part.labels, own)) for part in (train, test)]
    hits, labels = (
        np.concatenate(x)
        for x in zip(*((named(model, p, everything), p.labels) for p in strange), strict=True)
    )
    shares = [hits[labels == label].mean() for label in np.unique(labels)]
    known = named(model, test.only(np.isin(test.labels, own)), everything).mean()
    return float(np.mean(shares)), float(known), fitted.metrics["coverage"]["0.02,0.05"]


def with_some_off(
    train: Labelled, test: Labelled, products: int, photos: int, share: float, seed: int
) -> tuple[float, ...]:
    """The share of unknown and of known photos that are named, and of photos of the products switched off."""
    own, fitted = fit_shop(train, products, photos, seed)
    model = LoadedModel(1, "", fitted.head, own)
    kept = np.ones(products, bool)
    kept[np.random.default_rng(seed).permutation(products)[: round(share * products)]] = False
    strange = train.only(~np.isin(train.labels, own))
    hits = named(model, strange, kept)
    shares = [hits[strange.labels == label].mean() for label in np.unique(strange.labels)]
    known, off = (named(model, test.only(np.isin(test.labels, own[part])), kept) for part in (kept, ~kept))
    return float(np.mean(shares)), *(float(part.mean()) if len(part) else np.nan for part in (known, off))


def fit_shop(train: Labelled, products: int, photos: int, seed: int) -> tuple[np.ndarray, Fitted]:
    """The (products,) labels that a shop has, drawn by lot, and what it learned."""
    everything = int(train.labels.max()) + 1
    own = np.sort(np.random.default_rng([seed, products, photos]).choice(everything, products, replace=False))
    stock = train.only(np.isin(train.labels, own))
    stock = first_photos(stock, photos) if seed % 2 else draw(stock, photos, seed)
    labels = np.searchsorted(own, stock.labels)
    return own, fit_model(stock.vectors, labels, lambda: None, None, stock.looks_of_few(labels))


def named(model: LoadedModel, photos: Labelled, kept: np.ndarray) -> np.ndarray:
    """(N,) bool, whether photos get a name where only some products, (C,) bool, are answered."""
    logits = model.head.logits(photos.vectors)
    scores, _ = model.judge(photos.vectors, logits)
    return (scores > model.least_score(PROMISE)) & kept[logits.argmax(axis=1)]


def summary(unknown: np.ndarray, known: np.ndarray, promised: np.ndarray) -> dict:
    return {
        "unknown named": round(float(unknown.mean()), 4),
        "worst draw": round(float(unknown.max()), 4),
        "draws within 10 %": f"{int((unknown <= MAX_FOREIGN_NAMED).sum())} of {len(unknown)}",
        "known named": round(float(known.mean()), 4),
        "half name": round(float(np.median(known)), 4),  # at least so many of the known
        "name nothing": f"{int((known == 0).sum())} of {len(known)}",
        "promised": round(float(promised.mean()), 4),
    }


if __name__ == "__main__":
    main()
