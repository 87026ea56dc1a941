"""Learn how often an answer is right, from simulated shops; writes what training reads (`learned.json`).

    python -m benchmarks.learn_answers TRAIN_DIR TEST_DIR [--json FILE] [--draws 12]

Both folders hold folders named by SKU. Shops have photos of TRAIN_DIR, and are shown those of TEST_DIR: of
their own products, and of all others.
"""

import argparse
import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.recognition import read
from benchmarks.simulated_shops import SimulatedShop, draw_shops
from ml_training.recognizer.answers.promise import SHIPPED, VIEWS, Learned, measure_curves
from ml_training.recognizer.answers.score import Score, terms

PRODUCTS, PHOTOS = (6, 10, 15, 20, 30), (3, 5, 10, 20)  # of the shops that teach
FOREIGN_SHARE = 0.3  # of what the score learns from
USUAL_FOREIGN = 0.05  # of what a shop is shown, for the confidence
SCORES = np.round(np.concatenate([np.linspace(-5, 0, 21), np.linspace(0.15, 7.5, 50)]), 3)
RIDGE = 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--json", type=Path, default=SHIPPED)
    parser.add_argument("--draws", type=int, default=12)
    options = parser.parse_args()
    skus, train = read(options.train)
    test = read(options.test, skus)[1]
    everything = np.arange(len(skus))
    kinds = list(product(PRODUCTS, PHOTOS))
    learned = learn([*draw_shops(train, test, kinds, options.draws, everything, everything[:0])])
    options.json.write_text(json.dumps(as_json(learned)) + "\n")


def learn(shops: Sequence[SimulatedShop]) -> Learned:
    """Fit one score for all shops, and measure what becomes of answers by it."""
    x = np.concatenate([np.concatenate([shop.known[1].features, shop.foreign[1].features]) for shop in shops])
    y = np.concatenate([np.concatenate([shop.known[1].right, shop.foreign[1].right]) for shop in shops])
    share = np.concatenate([weigh(shop, FOREIGN_SHARE) for shop in shops]) / len(shops)
    centre, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    line = logistic_regression(terms(x, centre, scale), y, share)
    score = Score(centre, scale, line[:-1], float(line[-1]))
    usual = np.concatenate([weigh(shop, USUAL_FOREIGN) for shop in shops]) / len(shops)
    slope, offset = logistic_regression(score.of(x)[:, None], y, usual)
    kinds = sorted({shop.kind for shop in shops})
    curves = {
        views: np.stack(
            [np.mean([measure(s, score, views) for s in shops if s.kind == kind], axis=0) for kind in kinds]
        )
        for views in VIEWS
    }
    return Learned(score, (float(slope), float(offset)), SCORES, np.log(kinds), curves)


def weigh(shop: SimulatedShop, foreign: float) -> np.ndarray:
    """(K + F,) shares of a shop's photos, 1 in all, products weighing alike."""
    return np.concatenate([(1 - foreign) * shop.known[1].weights, foreign * shop.foreign[1].weights])


def measure(shop: SimulatedShop, score: Score, views: int) -> np.ndarray:
    known, foreign = shop.known[views], shop.foreign[views]
    known_scores, foreign_scores = score.of(known.features), score.of(foreign.features)
    return measure_curves(
        (known_scores, known.right, known.weights), (foreign_scores, foreign.weights), SCORES
    )


def logistic_regression(x: np.ndarray, y: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(N, F) features and (N,) 0 or 1 to (F + 1,) weights and bias, by Newton's method with a small ridge."""
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    ridge = np.diag([RIDGE] * (x.shape[1] - 1) + [0.0])
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (share * (chance - y)) + ridge @ weights
        curve = (x * (share * chance * (1 - chance))[:, None]).T @ x + ridge
        step = np.linalg.solve(curve, slope)
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def as_json(learned: Learned) -> dict:
    score = learned.score
    return {
        "centre": np.round(score.centre, 5).tolist(),
        "scale": np.round(score.scale, 5).tolist(),
        "weights": np.round(score.weights, 5).tolist(),
        "bias": round(score.bias, 5),
        "confidence": np.round(learned.confidence, 5).tolist(),
        "scores": learned.scores.tolist(),
        "kinds": np.round(learned.kinds, 5).tolist(),
        "curves": {str(views): np.round(curves, 4).tolist() for views, curves in learned.curves.items()},
    }


if __name__ == "__main__":
    main()
