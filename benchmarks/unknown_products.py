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
from ml_training.recognizer.fitting import fit_model

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
RATE = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--draws", type=int, default=16)
    options = parser.parse_args()
    skus, train = read(options.train)
    test = read(options.test, skus)[1]
    result = {}
    for products, photos in SHOPS:
        if products < len(skus):
            shares = np.array(
                [try_shop(train, test, products, photos, seed) for seed in range(options.draws)]
            )
            result[f"{products} products, {photos} photos each"] = summary(*shares.T)
    columns = (
        "unknown named",
        "worst draw",
        "draws within 2 %",
        "known named",
        "half name",
        "name nothing",
        "promised",
    )
    show(
        "Photos named where 2 % of those of unknown products may be",
        [("shop", *columns), *((name, *(row[column] for column in columns)) for name, row in result.items())],
    )
    write("unknown_products", result)


def try_shop(train: Labelled, test: Labelled, products: int, photos: int, seed: int) -> tuple[float, ...]:
    """The share of unknown and of known photos that one shop names, and what it said of the latter."""
    everything = int(train.labels.max()) + 1
    own = np.sort(np.random.default_rng([seed, products, photos]).choice(everything, products, replace=False))
    stock = train.only(np.isin(train.labels, own))
    stock = first_photos(stock, photos) if seed % 2 else draw(stock, photos, seed)
    fitted = fit_model(stock.vectors, np.searchsorted(own, stock.labels), lambda: None)
    head, metrics = fitted.head, fitted.metrics
    threshold = head.open_set.threshold(RATE)

    def named(part: Labelled) -> np.ndarray:
        logits = head.logits(part.vectors) * head.temperature
        return head.open_set.scores(part.vectors, logits) > threshold

    strange = [part.only(~np.isin(part.labels, own)) for part in (train, test)]
    hits, labels = (np.concatenate(x) for x in zip(*((named(p), p.labels) for p in strange), strict=True))
    shares = [hits[labels == label].mean() for label in np.unique(labels)]
    known = named(test.only(np.isin(test.labels, own))).mean()
    return float(np.mean(shares)), float(known), metrics["coverage"].get(str(RATE), 0.0)


def summary(unknown: np.ndarray, known: np.ndarray, promised: np.ndarray) -> dict:
    return {
        "unknown named": round(float(unknown.mean()), 4),
        "worst draw": round(float(unknown.max()), 4),
        "draws within 2 %": f"{int((unknown <= RATE).sum())} of {len(unknown)}",
        "known named": round(float(known.mean()), 4),
        "half name": round(float(np.median(known)), 4),  # at least so many of the known
        "name nothing": f"{int((known == 0).sum())} of {len(known)}",
        "promised": round(float(promised.mean()), 4),
    }


if __name__ == "__main__":
    main()
