"""From which score on a name is given without asking, so that few of the names given are wrong.

How often a score is right was learned once from thousands of photos of simulated shops (`learned.json`;
`python -m benchmarks.learn_answers` makes it again) and is blended with a shop's own trials: the more
products it has, the more these count. docs/research/answers.md has the measurements.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml_training.recognizer.answers.score import Score

if TYPE_CHECKING:
    from ml_training.recognizer.answers.open_set import Tried

WRONG = (0.01, 0.02, 0.03, 0.05)  # shares of the names given that may be wrong, for a shop to choose
FOREIGN = (0.02, 0.05, 0.1)  # shares of what is shown that the shop does not have, for a shop to choose
VIEWS = (1, 2, 3, 5)  # photos of one product that are taken together
MAX_FOREIGN_NAMED = 0.1  # share of photos of products that the shop does not have
# Aimed at, so that this is kept: the lowest score that seems to keep it is often one by luck. Measured.
AIMED_FOREIGN_NAMED = 0.08
TRUSTED = 50  # products from which on a shop's own trials count more than simulated shops
TRUSTED_TUNED = 5  # the same with a backbone that learned the shop's photos: simulated shops know less of it
REACH = 0.7  # by this in the logarithm, a kind of shop counts e times less
ALMOST_ALL = 0.99  # share of known photos that reach the score below which a photo shows nothing known
NEVER = float(np.finfo(np.float32).max)
SHIPPED = Path(__file__).with_name("learned.json")

Choice = tuple[float, float, int]  # of WRONG, of FOREIGN, of VIEWS
CHOICES: tuple[Choice, ...] = tuple(product(WRONG, FOREIGN, VIEWS))


@dataclass(frozen=True)
class Learned:
    """What simulated shops teach: the score of an answer, and what became of answers by their score."""

    score: Score
    confidence: tuple[float, float]  # slope and offset of the log-odds that an answer is right, by its score
    scores: np.ndarray  # (T,) ascending: where curves are known
    kinds: np.ndarray  # (K, 2) logarithms of products, and of photos of each
    curves: dict[int, np.ndarray]  # by VIEWS: (K, 3, T), see `measure_curves`

    def usual_curves(self, products: int, photos: float, views: int) -> np.ndarray:
        """(3, T) of shops like one with so many products, and photos of each."""
        away = np.abs(self.kinds - np.log([products, max(photos, 1.0)])).sum(axis=1) / REACH
        share = np.exp(away.min() - away)
        return np.tensordot(share / share.sum(), self.curves[views], axes=1)


def read_learned(path: Path = SHIPPED) -> Learned:
    data = json.loads(path.read_text())
    centre, scale, weights = (np.array(data[name], np.float64) for name in ("centre", "scale", "weights"))
    return Learned(
        Score(centre, scale, weights, data["bias"]),
        (data["confidence"][0], data["confidence"][1]),
        np.array(data["scores"], np.float64),
        np.array(data["kinds"], np.float64),
        {int(views): np.array(curves, np.float64) for views, curves in data["curves"].items()},
    )


@cache
def shipped() -> Learned:
    """What is shipped with this release, read once."""
    return read_learned()


@dataclass(frozen=True)
class Thresholds:
    """From which scores on something is said of a photo."""

    named: dict[Choice, float]  # above it a name is given
    unknown_below: float  # below it hardly any known photo lies


def measure_curves(
    known: tuple[np.ndarray, np.ndarray, np.ndarray], foreign: tuple[np.ndarray, np.ndarray], at: np.ndarray
) -> np.ndarray:
    """What became of photos by their score.

    Args:
        known: scores (N,), whether the first answer was right (N,) bool, and weights (N,) that sum up to 1.
        foreign: scores (M,) and weights (M,) of photos of products that were not there.
        at: (T,) scores.
    Returns:
        (3, T): shares of the known above each score, of those that are right too, and of the foreign.
    """
    scores, right, share = known
    above = scores[:, None] > at  # (N, T)
    foreign_above = foreign[0][:, None] > at
    return np.stack([share @ above, (share * right) @ above, foreign[1] @ foreign_above])


def curves_of(learned: Learned, known: Tried, unknown: Tried) -> np.ndarray | None:
    """(3, T) of a shop's own trials; None if there were none, or no product could be hidden in them."""
    if not len(known.products) or not len(unknown.products):
        return None
    own, other = (learned.score.of(tried.features) for tried in (known, unknown))
    return measure_curves((own, known.right, known.weights), (other, unknown.weights), learned.scores)


def fit_thresholds(
    learned: Learned, products: int, photos: float, own: np.ndarray | None, is_tuned: bool = False
) -> tuple[Thresholds, dict[str, float]]:
    """Find the lowest scores that keep each promise.

    Args:
        photos: of each product, on average.
        own: see `curves_of`; without, nothing is named.
        is_tuned: whether the backbone has learned photos of this shop.
    Returns:
        The thresholds, and the share of known photos that get a name by "WRONG,FOREIGN": the lower of what
        the blend and the shop's own trials say.
    """
    if own is None:
        return Thresholds(dict.fromkeys(CHOICES, NEVER), -NEVER), {}
    # Several photos of a product were not tried together: what one says of this shop holds for them.
    off = (own - learned.usual_curves(products, photos, 1)) * products
    off /= products + (TRUSTED_TUNED if is_tuned else TRUSTED)
    blends = {
        views: np.clip(learned.usual_curves(products, photos, views) + off, 0.0, 1.0) for views in VIEWS
    }
    places = {choice: lowest_within(blends[choice[2]], *choice[:2]) for choice in CHOICES}
    named = {
        choice: NEVER if place is None else float(learned.scores[place]) for choice, place in places.items()
    }
    told = {
        f"{wrong},{foreign}": 0.0
        if place is None
        else round(float(min(blends[1][0, place], own[0, place])), 4)
        for (wrong, foreign, views), place in places.items()
        if views == 1
    }
    reached = np.flatnonzero(blends[1][0] >= ALMOST_ALL)
    return Thresholds(named, float(learned.scores[reached[-1]]) if len(reached) else -NEVER), told


def lowest_within(curves: np.ndarray, wrong: float, foreign: float) -> int | None:
    """The first place of (3, T) curves from which on the promise is kept; None if there is none.

    Args:
        wrong: share of the names given that may be wrong.
        foreign: share of what is shown that the shop does not have.
    """
    named, right, foreign_named = curves
    all_named = (1 - foreign) * named + foreign * foreign_named
    all_wrong = (1 - foreign) * (named - right) + foreign * foreign_named
    kept = (all_wrong <= wrong * all_named) & (foreign_named <= AIMED_FOREIGN_NAMED) & (named > 0)
    places = np.flatnonzero(kept)
    return int(places[0]) if len(places) else None
