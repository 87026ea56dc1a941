"""Says how good a head will be on photos from elsewhere, from the training photos alone.

Every photo is judged by a head that did not see it, and is moved away from its product first: photos of one
product are taken in bursts, so the photos left resemble it more than a customer's photo will. Whole products
are hidden too, and play unknown ones. docs/recognizer.md has the method, its measurements and where it fails.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ml_training.recognizer.answers.open_set import (
    Plane,
    Spread,
    Tried,
    features,
    squared_distances,
)
from ml_training.recognizer.answers.score import FEATURES
from ml_training.recognizer.covariance import Scatter
from ml_training.recognizer.head import Discriminant, fit_discriminant

FOLDS = 4
# How much farther, squared, a photo from elsewhere lies from its product than a held-out one, where there are
# many photos; half of it where there are HALF_SHIFT, since few photos seldom come from one burst. Measured.
SHIFT = 0.18
HALF_SHIFT = 3  # photos of a product
# The same for a backbone that has learned other photos of these products, from the same bursts. Measured.
TUNED_SHIFT = 0.24
CALIBRATION_SHIFT = 0.0  # with all of SHIFT, probabilities come out too modest
AT_ONCE = 2  # trials: what one leaves idle, the other uses
MIN_KNOWN = 3  # products that must be left when some are hidden


@dataclass(frozen=True)
class Trials:
    """What became of the photos that were held out, M of them, and of the products that were hidden."""

    held: np.ndarray  # (M,) int64 indices of the photos
    logits: np.ndarray  # (M, C) float32 of heads that did not see them
    away: np.ndarray  # (M,) float32, squared distance from their product's mean without them
    seen: np.ndarray  # (M,) float32, squared distance from their product's mean with them
    scatter: np.ndarray  # (M,) float32, the part of `away` that is larger elsewhere
    known_elsewhere: Tried  # held-out photos while other products were hidden, moved away as `shift` says
    unknown: Tried  # photos whose product was hidden
    spread: Spread
    shift: float  # the plan's

    def elsewhere(self, labels: np.ndarray) -> np.ndarray:
        """(M, C) logits of the photos held out, were they taken elsewhere."""
        return self.moved(labels, self.shift)

    def moved(self, labels: np.ndarray, shift: float) -> np.ndarray:
        """(M, C) logits of the photos held out, were they farther away by a share of their distance."""
        logits = self.logits.copy()
        rows = np.arange(len(self.held))
        logits[rows, labels[self.held]] -= (self.away + shift * self.scatter - self.seen) / 2
        return logits


@dataclass(frozen=True)
class Plan:
    """What each trial does without: T folds of the photos, and as many groups of products."""

    held: np.ndarray  # (N, T) bool: photos that are judged
    hidden: np.ndarray  # (C, T) bool: products that are left out
    unknown: np.ndarray  # (N, T) bool: photos of these that play unknown ones
    shift: float  # SHIFT or TUNED_SHIFT

    def left_out(self, labels: np.ndarray) -> np.ndarray:
        """(N, T) bool: the photos that a trial's covariance is made without."""
        return self.held | self.hidden[labels]


def plan_trials(labels: np.ndarray, unseen: np.ndarray | None = None) -> Plan:
    """Plan trials in which every photo is judged once. Products with a single photo are not judged.

    Args:
        labels: (N,) int64, every class in [0, C) at least once.
        unseen: (N,) bool, the photos that the backbone did not learn from; others prove nothing, and are not
            judged. All of them if left out.
    """
    unseen = np.ones(len(labels), bool) if unseen is None else unseen
    held = _folds(labels, unseen)[:, None] == np.arange(FOLDS)
    trials = held.any(axis=0)
    hidden = (_hidden_products(labels)[:, None] == np.arange(FOLDS))[:, trials]
    shift = SHIFT if unseen.all() else TUNED_SHIFT
    return Plan(held[:, trials], hidden, hidden[labels] & unseen[:, None], shift)


def run_trials(vectors: np.ndarray, labels: np.ndarray, plan: Plan, scatter: Scatter) -> Trials:
    """Judge photos by heads fitted without them, and without some products.

    Args:
        vectors: (N, D) float32.
        labels: (N,) int64, every class in [0, C) at least once.
        scatter: of these photos, with what the plan leaves out.
    """

    def run(number: int) -> _Trial:
        fitted = fit_discriminant(scatter, number)
        held, unknown = (np.flatnonzero(part[:, number]) for part in (plan.held, plan.unknown))
        return _Trial(vectors, labels, fitted, held, plan.hidden[:, number], unknown, plan.shift)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="trial") as pool:
        parts = list(pool.map(run, range(plan.held.shape[1])))
    classes = len(scatter.means)
    photos = np.bincount(labels, minlength=classes).astype(np.float32)
    if not parts:
        none = np.zeros(0, np.float32)
        no_one, nothing = np.zeros(0, np.int64), np.zeros((0, classes), np.float32)
        ones = np.ones(classes, np.float32)
        spread, untried = Spread(ones, ones, photos), Tried(np.zeros((0, FEATURES)), no_one, no_one > 0)
        return Trials(no_one, nothing, none, none, none, untried, untried, spread, plan.shift)
    held, logits, away, seen, scattered = _joined([part.answer_held_out() for part in parts])
    to_products = _joined([part.own_distances() for part in parts])
    in_plane, plain = (_spread(distances, labels[held], classes) for distances in to_products)
    spread = Spread(in_plane, plain, photos)
    tried = [part.hidden_products(spread) for part in parts]
    elsewhere, unknown = (
        Tried(*_joined([(t.features, t.products, t.right) for t in of_kind]))
        for of_kind in zip(*tried, strict=True)
    )
    return Trials(held, logits, away, seen, scattered, elsewhere, unknown, spread, plan.shift)


def _joined(parts: list[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


class _Trial:
    """One head, fitted without the photos of one fold and without one group of products."""

    def __init__(
        self,
        vectors: np.ndarray,
        labels: np.ndarray,
        fitted: Discriminant,
        held: np.ndarray,  # indices of the photos that are judged
        hidden: np.ndarray,  # (C,) bool
        unknown: np.ndarray,  # indices of the photos that play unknown ones
        shift: float,
    ):
        self._shift = shift
        self._hidden, self._held, self._labels = hidden, held, labels[held]
        self._between = fitted.between
        self._unknown_labels = labels[unknown]
        held_vectors, unknown_vectors = vectors[held], vectors[unknown]
        self._plain, self._unknown_plain = (
            squared_distances(x, fitted.means) for x in (held_vectors, unknown_vectors)
        )
        self._logits, self._unknown_logits = (fitted.head.logits(x) for x in (held_vectors, unknown_vectors))
        self._seen = np.maximum(fitted.distances_to_own(held_vectors, self._labels), 1e-6)
        photos = np.bincount(labels)[self._labels].astype(np.float32)
        self._without_itself = _without_itself(photos)
        self._share = photos / (photos + HALF_SHIFT)
        self._away = self._seen * self._without_itself

    def answer_held_out(self) -> tuple[np.ndarray, ...]:
        return self._held, self._logits, self._away, self._seen, self._away * self._share

    def own_distances(self) -> tuple[np.ndarray, np.ndarray]:
        """(M,) squared distance of each photo from its product: in the plane, and of the plain vectors."""
        placed = Plane(self._between).place(self._logits).moved_away(self._labels, self._extra(self._shift))
        rows = np.arange(len(self._held))
        return placed.distances[rows, self._labels], self._plain_moved(self._shift)[rows, self._labels]

    def _plain_moved(self, shift: float) -> np.ndarray:
        plain = self._plain.copy()
        plain[np.arange(len(plain)), self._labels] *= self._without_itself * (1 + shift * self._share)
        return plain

    def _extra(self, shift: float) -> np.ndarray:
        return self._away * (1 + shift * self._share) - self._seen

    def hidden_products(self, spread: Spread) -> tuple[Tried, Tried]:
        """What became of known photos, as if from elsewhere, and of unknown ones."""
        left = ~self._hidden
        if left.sum() < MIN_KNOWN:
            left = np.ones_like(left)
        plane = Plane(self._between[np.ix_(left, left)])
        rows = left[self._labels]
        shown = self._labels[rows]
        places = (np.cumsum(left) - 1)[shown]
        usual = spread.only(left)
        moved = plane.place(self._logits[rows][:, left]).moved_away(places, self._extra(self._shift)[rows])
        found = features(moved, self._plain_moved(self._shift)[rows][:, left], usual)
        known = Tried(found, shown, moved.distances.argmin(axis=1) == places)
        unknown_rows = slice(0) if left.all() else slice(None)
        placed_unknown = plane.place(self._unknown_logits[unknown_rows][:, left])
        unknown = features(placed_unknown, self._unknown_plain[unknown_rows][:, left], usual)
        wrong = np.zeros(len(unknown), bool)
        return known, Tried(unknown, self._unknown_labels[unknown_rows], wrong)


def _without_itself(photos: np.ndarray) -> np.ndarray:
    """What a squared distance from a mean of (M,) n photos is times, were the photo itself not among them.

    From z − m' = (z − m) · n / (n − 1), less what a mean of n − 1 photos scatters more than one of n.
    """
    return (photos / (photos - 1)) ** 2 * (1 + 1 / photos) / (1 + 1 / (photos - 1))


def _spread(distances: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """(M,) squared distances to their mean for each of (C,) products; the shop's mean where there is none."""
    counts = np.bincount(labels, minlength=classes)
    sums = np.bincount(labels, weights=distances, minlength=classes)
    return np.where(counts > 0, sums / np.maximum(counts, 1), distances.mean()).astype(np.float32)


def _folds(labels: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """(N,) fold of each photo: consecutive photos of a product share one; -1 is never held out."""
    fold = np.full(len(labels), -1)
    for label in np.unique(labels):
        photos = np.flatnonzero(labels == label)
        tried = photos[unseen[photos]]
        if len(tried) >= FOLDS:
            fold[tried] = np.arange(len(tried)) * FOLDS // len(tried)
        elif len(photos) > 1:
            fold[tried] = (np.arange(len(tried)) + label) % FOLDS
    return fold


def _hidden_products(labels: np.ndarray) -> np.ndarray:
    """(C,) group of each product, drawn by lot, the same lots for the same products; -1 is never hidden."""
    classes = int(labels.max()) + 1
    if classes <= MIN_KNOWN:
        return np.full(classes, -1)
    return np.random.default_rng(classes).permutation(classes) % FOLDS
