"""Does a tuned backbone take over where it is better, and never where it is worse?

    python -m benchmarks.deep_gate TRAIN_DIR TEST_DIR [--shops 12x12 30x20 81xall] [--draws 2] [--crops 6000]

Both folders hold folders named by SKU. Each draw is a shop of some products with so many photos of each,
taken one after the other. The last fifth of each product's photos in TRAIN_DIR belongs to no shop: with those
in TEST_DIR they say how good the frozen and the tuned backbone truly are. The shop learns as a deep run does,
for `--crops` random crops at most, and at each of `--rates`: at too high ones it learns its photos by heart.

Then the vectors of both backbones are blurred more and more, so that some are truly worse by a little. Two
halves of the frozen vectors' numbers, drawn by lot, stand for two backbones that are no different. Shops
measured earlier stay in the results; `--vectors FOLDER` keeps the vectors, so that other rules are tried
without training.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from django.conf import settings

from benchmarks.deep_training import exported, listed, prepared, vectors
from benchmarks.installation import CACHE, RESULTS, show
from catalog.importing import find_product_folders, sku_of
from ml_training.recognizer.backbone import packaged_backbone
from ml_training.recognizer.embedder import Embedder
from ml_training.recognizer.finetune.comparison import compare
from ml_training.recognizer.finetune.hyperparameters import MIN_EPOCHS, Hyperparameters, choose_held_out
from ml_training.recognizer.finetune.loop import train
from ml_training.recognizer.head import fit_head

JUDGES = 5  # one photo of so many, the last ones of a product, belongs to no shop
BLURS = (0.02, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4)  # shares of another photo that a photo's vector is mixed with
DRAWN = 3  # times that each is drawn
HALVES = 10  # pairs of backbones that are no different
KINDS = ("as trained", "blurred", "no different")
GAIN, LOSS = 0.02, -0.01  # true changes that must take over, and that must not

Seen = tuple[np.ndarray, np.ndarray]  # the vectors of the shop's photos, and of the judges'


@dataclass(frozen=True)
class Shop:
    """What a shop's photos and the judges look like to the frozen and to the tuned backbone."""

    labels: np.ndarray  # (N,) int64
    held_out: np.ndarray  # (N,) bool
    judges: np.ndarray  # (J,) int64, the labels of photos that nobody learned from
    frozen: np.ndarray  # (N, D) float32
    frozen_judges: np.ndarray  # (J, D)
    tuned: np.ndarray
    tuned_judges: np.ndarray
    minutes: float  # that training and embedding took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--shops", nargs="*", default=["12x12", "30x20", "81xall"])
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--crops", type=int, default=6_000)
    parser.add_argument("--rates", nargs="+", type=float, default=[1e-4, 2e-3])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--json", type=Path, default=RESULTS / "deep_gate.json")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    results = json.loads(options.json.read_text()) if options.json.exists() else {}
    for size in options.shops:
        for seed in range(options.draws):
            for rate in options.rates:
                name = f"{size} draw {seed} rate {rate:g}"
                shop = open_shop(options, size, seed, rate, name)
                results[name] = {"minutes": round(float(shop.minutes), 1), "trials": try_rule(shop)}
                options.json.parent.mkdir(parents=True, exist_ok=True)
                options.json.write_text(json.dumps(results, indent=1) + "\n")
                report_shop(name, results[name])
    report_all(results)


def open_shop(options, size: str, seed: int, rate: float, name: str) -> Shop:
    """Draw a shop and train it, or read what `--vectors` has of it."""
    file = options.vectors / f"{name.replace(' ', '-')}.npz" if options.vectors else None
    if file and file.exists():
        return Shop(**np.load(file))
    shop = train_shop(*draw(options.train, options.test, size, seed), rate, options.crops, options.threads)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, **asdict(shop))
    return shop


def draw(train_dir: Path, test_dir: Path, size: str, seed: int) -> tuple:
    """The photos and labels of a shop, and of its judges."""
    products, _, photos = size.partition("x")
    rng = np.random.default_rng([int(products), seed])
    skus = sorted({sku_of(folder) for folder in find_product_folders(train_dir)})
    chosen = sorted(rng.choice(skus, min(int(products), len(skus)), replace=False))
    paths, labels = listed(train_dir, chosen)
    stock, judges = [], []
    for label in range(len(chosen)):
        own = np.flatnonzero(labels == label)
        left, last = np.split(own, [len(own) - max(1, len(own) // JUDGES)])
        wanted = len(left) if photos == "all" else min(int(photos), len(left))
        begin = int(rng.integers(len(left) - wanted + 1))
        stock += left[begin : begin + wanted].tolist()
        judges += last.tolist()
    test_paths, test_labels = listed(test_dir, chosen)
    judging = [paths[row] for row in judges] + test_paths, np.concatenate([labels[judges], test_labels])
    return ([paths[row] for row in stock], labels[stock]), judging


def train_shop(stock: tuple, judging: tuple, rate: float, crops: int, threads: int) -> Shop:
    held_out = choose_held_out(stock[1], np.zeros(len(stock[1]), bool))
    learned = int((~held_out).sum())
    usual = Hyperparameters.for_photos(settings.BACKBONE, learned)
    epochs = min(usual.epochs, max(MIN_EPOCHS, round(crops / learned)))
    hyperparameters = replace(usual, epochs=epochs, rate=rate)
    began, packaged = time.monotonic(), Embedder(packaged_backbone(settings.BACKBONE, CACHE), threads)
    frozen, frozen_judges = (vectors(packaged, paths) for paths, _ in (stock, judging))
    with prepared(stock, held_out, hyperparameters, frozen) as (dataset, folder):
        model = train(dataset, folder, lambda news: None, threads)
        tuned = exported(model, folder, hyperparameters.base, threads)
        after, after_judges = (vectors(tuned, paths) for paths, _ in (stock, judging))
    minutes = (time.monotonic() - began) / 60
    return Shop(stock[1], held_out, judging[1], frozen, frozen_judges, after, after_judges, minutes)


def try_rule(shop: Shop) -> list[dict]:
    """Ask for the tuned backbone, for both of them blurred, and for some that are no different."""
    frozen, tuned = (shop.frozen, shop.frozen_judges), (shop.tuned, shop.tuned_judges)
    trials = [{"what": "tuned", "blur": 0.0, **compared(shop, frozen, tuned)}]
    for what, seen in (("tuned", tuned), ("frozen", frozen)):
        for blur in BLURS:
            for seed in range(DRAWN):
                rng = np.random.default_rng([seed, int(100 * blur)])
                after = blurred(seen[0], blur, rng), blurred(seen[1], blur, rng)
                trials.append({"what": what, "blur": blur, **compared(shop, frozen, after)})
    for seed in range(HALVES):
        order = np.random.default_rng(seed).permutation(shop.frozen.shape[1])
        before, after = (
            (only(frozen[0], columns), only(frozen[1], columns)) for columns in np.array_split(order, 2)
        )
        trials.append({"what": "half", "blur": 0.0, **compared(shop, before, after, is_alike=True)})
    return trials


def blurred(photos: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Vectors of length 1, each mixed with that of another photo drawn by lot."""
    mixed = (1 - share) * photos + share * photos[rng.integers(len(photos), size=len(photos))]
    return mixed / np.linalg.norm(mixed, axis=1, keepdims=True)


def only(photos: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Some of the vectors' numbers, of length 1 again."""
    part = photos[:, columns]
    return part / np.linalg.norm(part, axis=1, keepdims=True)


def compared(shop: Shop, before: Seen, after: Seen, is_alike: bool = False) -> dict:
    """What the rule says of a backbone, and what the judges do: shares of products, which count the same.

    Args:
        is_alike: both backbones have learned as much of the photos.
    """
    comparison = compare(before[0], after[0], shop.labels, shop.held_out, is_alike)
    was, now = (is_right(seen[0], shop.labels, seen[1], shop.judges) for seen in (before, after))
    by_product = [float((now[own] - was[own]).mean()) for own in rows_of_each(shop.judges)]
    return {
        "true_before": round(float(np.mean([was[own].mean() for own in rows_of_each(shop.judges)])), 4),
        "true_gain": round(float(np.mean(by_product)), 4),
        "standard_error": round(float(np.std(by_product, ddof=1) / len(by_product) ** 0.5), 4),
        "judges": len(shop.judges),
        "taken": comparison.is_better,
        **{name: json_number(value) for name, value in asdict(comparison).items()},
    }


def is_right(own: np.ndarray, labels: np.ndarray, judges: np.ndarray, shown: np.ndarray) -> np.ndarray:
    return (fit_head(own, labels).logits(judges).argmax(axis=1) == shown).astype(float)


def rows_of_each(labels: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def json_number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(value, 4)


def report_shop(name: str, result: dict) -> None:
    rows = [
        ("backbone, blur", "taken", "truly", "told", "clearer, at least", "gain, at least", "won", "lost")
    ]
    for trial in result["trials"]:
        told = trial["after"] - trial["before"]
        least = trial["least_clearer"], trial["least_gain"]
        rows.append((f"{trial['what']} {trial['blur']}", "yes" if trial["taken"] else "no",
                     trial["true_gain"], told, *least, trial["won"], trial["lost"]))  # fmt: skip
    show(f"{name}: {result['trials'][0]['photos']} photos compared, {result['minutes']} minutes", rows)


def report_all(results: dict) -> None:
    trials = [trial for result in results.values() for trial in result["trials"]]
    rows = [("", "trials", "taken", "share")]
    for title, part in (
        (f"truly better by {GAIN:.0%} or more", [t for t in trials if t["true_gain"] >= GAIN]),
        ("in between", [t for t in trials if LOSS < t["true_gain"] < GAIN]),
        (f"truly worse by {-LOSS:.0%} or more", [t for t in trials if t["true_gain"] <= LOSS]),
    ):
        for kind in KINDS:
            own = [t["taken"] for t in part if kind_of(t) == kind]
            rows.append((f"{title}, {kind}", len(own), sum(own), float(np.mean(own)) if own else ""))
    show("What was taken over, by what is true", rows)


def kind_of(trial: dict) -> str:
    if trial["what"] == "half":
        return "no different"
    return "blurred" if trial["blur"] else "as trained"


if __name__ == "__main__":
    main()
