"""Decides whether a tuned backbone is better than the one before, by photos that neither has learned from."""

import math
from dataclasses import dataclass, replace

import numpy as np

from ml_training.recognizer.covariance import Scatter
from ml_training.recognizer.cross_validation import SHIFT, TUNED_SHIFT, plan_trials, run_trials

CHANCE = 0.01  # of taking noise for a gain
MIN_WON = 3  # photos that must be won on balance
MIN_SHARE = 0.01  # the same, as a share of those compared


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
        if self.won - self.lost < max(MIN_WON, MIN_SHARE * self.photos):
            return False
        flips = self.won + self.lost
        return sum(math.comb(flips, k) for k in range(self.won, flips + 1)) / 2**flips < CHANCE


def compare(
    before: np.ndarray,
    after: np.ndarray,
    labels: np.ndarray,
    unseen: np.ndarray | None,
    was_tuned: bool = False,
) -> Comparison:
    """Judge two backbones by the photos that neither has learned from.

    They share bursts with photos that were learned, which flatters who has learned those: for a tuned
    backbone they are moved farther away (TUNED_SHIFT).

    Args:
        before, after: (N, D) and (N, E) float32, the vectors of the same photos.
        labels: (N,) int64, every class in [0, C) at least once.
        unseen: (N,) bool; None for all of them.
        was_tuned: whether the backbone before has learned from the other photos, too.
    """
    plan = plan_trials(labels, unseen)
    plans = replace(plan, shift=TUNED_SHIFT if was_tuned else SHIFT), replace(plan, shift=TUNED_SHIFT)
    first, second = (
        run_trials(vectors, labels, plan, Scatter(vectors, labels, plan.left_out(labels)))
        for vectors, plan in zip((before, after), plans, strict=True)
    )
    if not len(first.held):
        return Comparison(0, None, None)
    shown = labels[first.held]
    was = first.elsewhere(labels).argmax(axis=1) == shown
    now = second.elsewhere(labels).argmax(axis=1) == shown  # the same photos in the same order
    won, lost = int((now & ~was).sum()), int((was & ~now).sum())
    return Comparison(len(shown), _by_product(was, shown), _by_product(now, shown), won, lost)


def _by_product(right: np.ndarray, labels: np.ndarray) -> float:
    counts = np.bincount(labels)
    shares = np.bincount(labels, weights=right)[counts > 0] / counts[counts > 0]
    return round(float(shares.mean()), 4)
