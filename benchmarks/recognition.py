"""How well are products recognised, and how truthful is what the system says of it?

    python benchmarks/recognition.py TRAIN_DIR [--test DIR] [--json FILE] [--seeds 5]

Both folders hold folders named by SKU. Without --test the last fifth of each product's photos is held out: on
most data that flatters, since photos of a product are taken in bursts. All rows share the same vectors and
draws of photos: this head; two recipes of a small network trained by gradient descent (a hidden layer of 100,
as Teachable Machine has it); and nearest class mean. Unknown products are played by 21 of the products (or a
quarter, if that is fewer), drawn anew for each seed, that the head never sees.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

if not __package__:  # started by its path: then Python looks for modules beside it
    sys.path[0] = str(Path(__file__).parent.parent)

import numpy as np
import torch
from django.conf import settings

from benchmarks.installation import CACHE, RESULTS, show
from benchmarks.recognition_plots import draw_plots
from catalog.importing import find_product_folders, sku_of
from catalog.photo_files import open_upright
from ml_training.recognizer.backbone import packaged_backbone
from ml_training.recognizer.calibration import softmax
from ml_training.recognizer.covariance import Looks, Sample, rows_of_few
from ml_training.recognizer.embedder import Embedder, embed_all
from ml_training.recognizer.head import fit_discriminant, fit_head
from ml_training.recognizer.preprocess import to_pixels
from ml_training.recognizer.train import fit_model

SIZES = (1, 3, 5, 10, None)  # photos a product; None is all
HIDDEN, RATE, BINS = 21, 0.02, 10
PLOTS = Path(__file__).parent.parent / "docs" / "images"


@dataclass(frozen=True)
class Labelled:
    vectors: np.ndarray  # (N, D) float32
    labels: np.ndarray  # (N,) int64
    looks: np.ndarray | None = None  # (N, V, D) float16; None of backbones that do not tell

    def only(self, rows: np.ndarray) -> "Labelled":
        return Labelled(
            self.vectors[rows], self.labels[rows], None if self.looks is None else self.looks[rows]
        )

    def looks_of_few(self, labels: np.ndarray | None = None) -> Looks | None:
        """For products that have few photos, as `fit_model` takes them."""
        rows = rows_of_few(self.labels if labels is None else labels)
        return None if self.looks is None else Looks(self.looks[rows].astype(np.float32), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--json", type=Path, default=RESULTS / "recognition.json")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    skus, train = read(options.train)
    if options.test:
        test = read(options.test, skus)[1]
    else:
        train, test = hold_out(train)
    result = measure(train, test, options.seeds)
    result = {"photos": len(train.labels), "products": len(skus), "test_photos": len(test.labels), **result}
    report(result)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=1) + "\n")
    draw_plots(result, PLOTS)


def read(root: Path, skus: list[str] | None = None) -> tuple[list[str], Labelled]:
    """Embed a folder of photos; of other SKUs than those given, none."""
    embedder = Embedder(packaged_backbone(settings.BACKBONE, CACHE), settings.COMPUTE_THREADS)
    preprocessing = embedder.backbone.preprocessing
    photos = [(sku_of(f), path) for f, paths in find_product_folders(root).items() for path in paths]
    skus = skus or sorted({sku for sku, _ in photos})
    number = {sku: index for index, sku in enumerate(skus)}
    photos = [photo for photo in photos if photo[0] in number]

    def pixels(photo):
        return to_pixels(open_upright(photo[1].read_bytes(), preprocessing.decode_side), preprocessing)

    found, labels = [], []
    for (sku, path), embedded, error in embed_all(embedder, photos, pixels):
        if error is not None:
            print(f"{path}: {error}")
            continue
        found.append(embedded)
        labels.append(number[sku])
    vectors = np.stack([embedded.vector for embedded in found])
    tells = all(embedded.looks is not None for embedded in found)
    looks = np.stack([embedded.looks.astype(np.float16) for embedded in found]) if tells else None
    return skus, Labelled(vectors, np.array(labels, np.int64), looks)


def hold_out(photos: Labelled) -> tuple[Labelled, Labelled]:
    held = np.zeros(len(photos.labels), bool)
    for label in np.unique(photos.labels):
        own = np.flatnonzero(photos.labels == label)
        held[own[len(own) - len(own) // 5 :]] = True
    return photos.only(~held), photos.only(held)


def draw(train: Labelled, size: int | None, seed: int) -> Labelled:
    """So many photos of each product, or as many as there are."""
    rng, rows = np.random.default_rng(seed), []
    for label in np.unique(train.labels):
        own = np.flatnonzero(train.labels == label)
        rows.append(own if size is None else rng.permutation(own)[:size])
    return train.only(np.sort(np.concatenate(rows)))


def measure(train: Labelled, test: Labelled, seeds: int) -> dict:
    rows: dict[str, dict[str, float]] = {}
    estimates = {}
    for size in SIZES:
        draws = range(seeds if size else 1)
        parts = [draw(train, size, seed) for seed in draws]
        name = str(size or "all")
        for method, predict in METHODS.items():
            hits = [np.mean(predict(part, test.vectors) == test.labels) for part in parts]
            rows.setdefault(method, {})[name] = round(float(np.mean(hits)), 4)
        fitted = [
            fit_model(part.vectors, part.labels, lambda: None, None, part.looks_of_few()).metrics
            for part in parts
        ]
        if all("accuracy" in metrics for metrics in fitted):
            estimates[name] = round(float(np.mean([metrics["accuracy"] for metrics in fitted])), 4)
    fitted = fit_model(train.vectors, train.labels, lambda: None)
    head, metrics = fitted.head, fitted.metrics
    probabilities = softmax(head.logits(test.vectors))
    return {
        "estimated_accuracy": metrics["accuracy"],
        "accuracy_range": metrics["accuracy_range"],
        "true_accuracy": rows["this head"]["all"],
        **unknown_products(train, test, seeds),
        **calibration(probabilities, test.labels),
        "by_photos_per_product": rows,
        "estimated_by_photos_per_product": estimates,
    }


def this_head(train: Labelled, vectors: np.ndarray) -> np.ndarray:
    sample = Sample(train.vectors, train.labels, train.looks_of_few())
    return sample.in_whole_space(fit_discriminant(sample.scatter())).head.logits(vectors).argmax(axis=1)


def class_means(train: Labelled, vectors: np.ndarray) -> np.ndarray:
    return fit_head(train.vectors, train.labels, shrinkage=1.0).logits(vectors).argmax(axis=1)


def dense(rate: float, epochs: int):
    """A hidden layer of 100, ReLU, dropped out by half, Adam, batches of 16, cross-entropy."""

    def predict(train: Labelled, vectors: np.ndarray) -> np.ndarray:
        torch.manual_seed(0)
        x, y = torch.from_numpy(train.vectors), torch.from_numpy(train.labels)
        net = torch.nn.Sequential(
            torch.nn.Linear(x.shape[1], 100), torch.nn.ReLU(), torch.nn.Linear(100, int(y.max()) + 1)
        )
        optimizer = torch.optim.Adam(net.parameters(), lr=rate)
        for _ in range(epochs):
            for rows in torch.randperm(len(x)).split(16):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
                optimizer.step()
        with torch.no_grad():
            return net(torch.from_numpy(vectors)).argmax(dim=1).numpy()

    return predict


METHODS = {
    "this head": this_head,
    "Dense 100, Adam 1e-3, 50 epochs": dense(1e-3, 50),
    "Dense 100, Adam 1e-4, 20 epochs": dense(1e-4, 20),
    "nearest class mean": class_means,
}


def unknown_products(train: Labelled, test: Labelled, seeds: int) -> dict:
    """Hide some products from the head, and see what it says to test photos of them."""
    classes = int(train.labels.max()) + 1
    rows = []
    for seed in range(seeds):
        hidden = np.random.default_rng(seed).choice(classes, min(HIDDEN, classes // 4), replace=False)
        known = np.setdiff1d(np.arange(classes), hidden)
        number = np.full(classes, -1)
        number[known] = np.arange(len(known))
        part = train.only(np.isin(train.labels, known))
        fitted = fit_model(part.vectors, number[part.labels], lambda: None)
        head, metrics = fitted.head, fitted.metrics
        logits = head.logits(test.vectors)
        scores, is_known = (
            head.open_set.scores(test.vectors, logits * head.temperature),
            np.isin(test.labels, known),
        )
        ours, others = scores[is_known], scores[~is_known]
        baseline = (logits * head.temperature).max(axis=1)
        threshold = head.open_set.thresholds.named[0.02, 0.05, 1]
        named = ours > threshold
        right = logits[is_known].argmax(axis=1) == number[test.labels[is_known]]
        rows.append(
            {
                "auroc": auroc(ours, others),
                "coverage_at_2pct": np.mean(ours > np.quantile(others, 1 - RATE)),
                "auroc_of_largest_logit": auroc(baseline[is_known], baseline[~is_known]),
                "named": named.mean(),
                "named_promised": metrics["coverage"]["0.02,0.05"],
                "named_correct": right[named].mean() if named.any() else np.nan,
                "unknown_named": np.mean(others > threshold),
            }
        )
    return {name: round(float(np.nanmean([row[name] for row in rows])), 4) for name in rows[0]}


def auroc(known: np.ndarray, unknown: np.ndarray) -> float:
    """The chance that a known photo scores higher than an unknown one."""
    return float((known[:, None] > unknown).mean() + 0.5 * (known[:, None] == unknown).mean())


def calibration(probabilities: np.ndarray, labels: np.ndarray) -> dict:
    """Expected calibration error over bins of equal width, and what is in the bins."""
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins, error = [], 0.0
    for number in range(BINS):
        inside = (sure > number / BINS) & (sure <= (number + 1) / BINS)
        if inside.any():
            said, true = float(sure[inside].mean()), float(right[inside].mean())
            error += inside.mean() * abs(said - true)
            bins.append({"said": round(said, 4), "true": round(true, 4), "photos": int(inside.sum())})
    return {"ece": round(float(error), 4), "reliability": bins}


def report(result: dict) -> None:
    sizes = list(result["by_photos_per_product"]["this head"])
    rows = [(name, *shares.values()) for name, shares in result["by_photos_per_product"].items()]
    estimates = result["estimated_by_photos_per_product"]
    rows.append(("this head, estimated", *(estimates.get(size, "") for size in sizes)))
    show("Top-1 by photos a product", [("", *sizes), *rows])
    single = [(name, value) for name, value in result.items() if isinstance(value, float)]
    show("All photos", [("", ""), *single])


if __name__ == "__main__":
    main()
