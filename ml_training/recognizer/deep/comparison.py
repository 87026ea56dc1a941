"""Decides whether a tuned backbone is better than the one before, by photos that neither has learned from.

Called by `ml_training.deep.job` and by the benchmark.
"""

import math
from dataclasses import dataclass

import numpy as np

from ml_training.recognizer.evaluation import SHIFT, plan_trials, run_trials
from ml_training.recognizer.scatter import Scatter

CHANCE = 0.01  # of taking noise for a gain
LEAST_WON, LEAST_SHARE = 3, 0.01  # photos, and share of those compared, that must be won on balance


@dataclass(frozen=True)
class Comparison:
    """Answers on the same photos, each by a closed-form head that was fitted without the photo."""

    photos: int
    before: float | None  # share that was right, every product counting the same
    after: float | None
    won: int = 0  # photos that only the tuned backbone got right
    lost: int = 0

    @property
    def is_better(self) -> bool:
        """Whether more was won than chance explains: a one-sided sign test."""
        if self.won - self.lost < max(LEAST_WON, LEAST_SHARE * self.photos):
            return False
        flips = self.won + self.lost
        return sum(math.comb(flips, k) for k in range(self.won, flips + 1)) / 2**flips < CHANCE


def compare(before: np.ndarray, after: np.ndarray, labels: np.ndarray, unseen: np.ndarray) -> Comparison:
    """Judge two backbones by the photos that neither has learned from.

    Args:
        before, after: (N, D) and (N, E) float32, the vectors of the same photos.
        labels: (N,) int64, every class in [0, C) at least once.
        unseen: (N,) bool.
    """
    plan = plan_trials(labels, unseen)
    first, second = (
        run_trials(vectors, labels, plan, Scatter(vectors, labels, plan.held)) for vectors in (before, after)
    )
    if not len(first.held):
        return Comparison(0, None, None)
    own = labels[first.held]
    was = first.moved(labels, SHIFT).argmax(axis=1) == own
    now = second.moved(labels, SHIFT).argmax(axis=1) == own  # the same photos in the same order
    won, lost = int((now & ~was).sum()), int((was & ~now).sum())
    return Comparison(len(own), _by_product(was, own), _by_product(now, own), won, lost)


def _by_product(right: np.ndarray, labels: np.ndarray) -> float:
    counts = np.bincount(labels)
    shares = np.bincount(labels, weights=right)[counts > 0] / counts[counts > 0]
    return round(float(shares.mean()), 4)
