"""How near is the accuracy that a model says of itself to what photos from elsewhere give?

    python -m benchmarks.estimates TRAIN_DIR TEST_DIR [--draws 10]

Both folders hold folders named by SKU. The estimate knows the training photos alone. It is compared on many
parts of them: so many photos of each product, drawn by lot or the first ones; so many products, drawn by lot;
and the products below each of TRAIN_DIR's own folders.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.installation import show, write
from benchmarks.recognition import Labelled, draw, read
from catalog.importing import find_product_folders, sku_of
from ml_training.recognizer.train import fit_model

NEAR = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--draws", type=int, default=10)
    options = parser.parse_args()
    skus, train = read(options.train)
    test = read(options.test, skus)[1]
    groups = groups_of(options.train, skus)
    result = {name: compare(parts, test) for name, parts in all_parts(train, groups, options.draws).items()}
    columns = ("estimated", "true", "largest gap", "within 5", "in range", "draws")
    rows = [(name, *(row[column] for column in columns)) for name, row in result.items()]
    show(
        "Accuracy, estimated from the training photos alone and true", [("training photos", *columns), *rows]
    )
    write("estimates", result)


def groups_of(root: Path, skus: list[str]) -> dict[str, np.ndarray]:
    """The products below each folder of the root that is no product itself."""
    groups: dict[str, list[int]] = {}
    for folder in find_product_folders(root):
        first, *rest = folder.relative_to(root).parts
        if rest:
            groups.setdefault(first, []).append(skus.index(sku_of(folder)))
    return {name: np.array(sorted(products)) for name, products in groups.items()}


def all_parts(train: Labelled, groups: dict[str, np.ndarray], draws: int) -> dict[str, list[Labelled]]:
    products = int(train.labels.max()) + 1
    seeds = range(draws)
    parts = {"all": [train]}
    for size in (10, 5, 3):
        parts[f"{size} a product, by lot"] = [draw(train, size, seed) for seed in seeds]
    for size in (10, 5):
        parts[f"the first {size} of each product"] = [first_photos(train, size)]
    for size in (50, 30, 20):
        if size < products:
            drawn = [np.random.default_rng(seed).choice(products, size, replace=False) for seed in seeds]
            parts[f"{size} products, by lot"] = [train.only(np.isin(train.labels, own)) for own in drawn]
    for name, own in groups.items():
        parts[f"only {name}"] = [train.only(np.isin(train.labels, own))]
    return parts


def first_photos(train: Labelled, size: int) -> Labelled:
    rows = [np.flatnonzero(train.labels == label)[:size] for label in np.unique(train.labels)]
    return train.only(np.concatenate(rows))


def compare(parts: list[Labelled], test: Labelled) -> dict:
    pairs = np.array([*judge(parts, test)])  # (draws, 4)
    estimated, true, low, high = pairs.T
    gaps = np.abs(estimated - true)
    return {
        "estimated": float(estimated.mean()),
        "true": float(true.mean()),
        "largest gap": float(gaps.max()),
        "within 5": f"{(gaps <= NEAR).sum()}/{len(pairs)}",
        "in range": f"{((low <= true) & (true <= high)).sum()}/{len(pairs)}",
        "draws": len(pairs),
    }


def judge(parts: list[Labelled], test: Labelled) -> Iterator[tuple[float, float, float, float]]:
    for part in parts:
        own, labels = np.unique(part.labels, return_inverse=True)
        fitted = fit_model(part.vectors, labels, lambda: None, None, part.looks_of_few(labels))
        head, metrics = fitted.head, fitted.metrics
        known = np.isin(test.labels, own)
        answers = own[head.logits(test.vectors[known]).argmax(axis=1)]
        yield metrics["accuracy"], float((answers == test.labels[known]).mean()), *metrics["accuracy_range"]


if __name__ == "__main__":
    main()
