"""Decides whether a photo shows one of the products at all, or the answer should be "not sure"."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

RATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)  # shares of unknown photos named that a shop can choose from
FEATURES = 6
RIVALS = 3  # how many other products the nearest one is compared with
RIDGE = 0.01


@dataclass(frozen=True)
class Placement:
    """Where photos lie in the plane that the products' means span."""

    distances: np.ndarray  # (N, C) squared, to each product's mean
    alignments: np.ndarray  # (N, C) inner products with each mean, both seen from the centre
    squared_norms: np.ndarray  # (N,) squared distances from the centre
    means_norms: np.ndarray  # (C,) the means' own

    def moved_away(self, products: np.ndarray, by: np.ndarray) -> "Placement":
        """The same photos, (N,) farther (squared) from the (N,) product that they show."""
        rows = np.arange(len(products))
        distances, alignments = self.distances.copy(), self.alignments.copy()
        distances[rows, products] = np.maximum(distances[rows, products] + by, 1e-6)
        alignments[rows, products] -= by / 2
        return replace(self, distances=distances, alignments=alignments)


class Plane:
    """The plane that some products' means span, from their squared distances alone."""

    def __init__(self, between: np.ndarray):
        self._row_means = between.mean(axis=1)  # (C,)
        gram = -0.5 * (between - self._row_means[:, None] - self._row_means + between.mean())
        self._norms = np.diag(gram)
        values, axes = np.linalg.eigh(gram.astype(np.float64))
        kept = values > max(values.max(), 1e-12) * 1e-6
        self._to_plane = axes[:, kept] / np.sqrt(values[kept])  # (C, R)

    def place(self, logits: np.ndarray) -> Placement:
        """Place photos by their (N, C) logits of temperature 1.

        Source: Gower 1968, "Adding a point to vector diagrams in multivariate analysis".
        """
        inner = logits + 0.5 * self._row_means
        inner = inner - inner.mean(axis=1, keepdims=True)  # (N, C) inner products with the centred means
        norms = ((inner @ self._to_plane) ** 2).sum(axis=1)  # (N,)
        distances = np.maximum(norms[:, None] + self._norms - 2 * inner, 1e-6)
        return Placement(distances, inner, norms, np.maximum(self._norms, 1e-6))


def squared_distances(vectors: np.ndarray, means: np.ndarray) -> np.ndarray:
    """(N, D) and (C, D) to (N, C)."""
    squares = np.einsum("nd,nd->n", vectors, vectors)[:, None] + np.einsum("cd,cd->c", means, means)
    return np.maximum(squares - 2 * vectors @ means.T, 1e-6)


@dataclass(frozen=True)
class Spread:
    """How far photos of each product usually lie from its mean, squared."""

    in_plane: np.ndarray  # (C,) float32
    plain: np.ndarray  # (C,) float32, between the vectors as they are

    def only(self, kept: np.ndarray) -> "Spread":
        return Spread(self.in_plane[kept], self.plain[kept])


def features(placement: Placement, plain: np.ndarray, spread: Spread) -> np.ndarray:
    """What tells a photo of a known product from one of an unknown product.

    Args:
        plain: (N, C) squared distances of the photos' vectors to the products' means, as they are.
    Returns:
        (N, FEATURES): how much nearer the nearest product is than the next three, and than the next one; how
        near it is for a photo of that product, in the plane and without; how much better its direction fits
        than the next; how well.
    """
    distances = placement.distances
    nearest = distances.argmin(axis=1)
    ordered = np.sort(distances, axis=1)
    rivals = ordered[:, 1 : 1 + RIVALS].mean(axis=1)
    lengths = np.sqrt(np.maximum(placement.squared_norms, 1e-9))[:, None] * np.sqrt(placement.means_norms)
    cosines = np.sort(placement.alignments / lengths, axis=1)
    columns = [
        np.log(rivals / ordered[:, 0]),
        np.log(ordered[:, 1] / ordered[:, 0]),
        0.5 * np.log(spread.in_plane[nearest] / ordered[:, 0]),
        np.log(spread.plain[nearest] / plain[np.arange(len(plain)), nearest]),
        cosines[:, -1] - cosines[:, -2],
        cosines[:, -1],
    ]
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class OpenSet:
    """A small linear model on `features`, and the score from which on an answer is given, by `RATES`."""

    between: np.ndarray  # (C, C) float32, squared distances between the products' means
    means: np.ndarray  # (C, D) float32, of the vectors as they are
    spread: Spread
    weights: np.ndarray  # (FEATURES,) float64
    thresholds: tuple[float, ...]  # one for each of RATES

    @cached_property
    def plane(self) -> Plane:
        return Plane(self.between)

    def scores(self, vectors: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """(N, D) vectors and (N, C) logits of temperature 1 to (N,) scores; high where a product is known."""
        plain = squared_distances(vectors, self.means)
        return features(self.plane.place(logits), plain, self.spread) @ self.weights

    def threshold(self, rate: float, answered: float = 1.0) -> float:
        """The least score that is named when this share of unknown photos may be.

        Args:
            rate: from the least of RATES to the largest; beyond, the nearest of these.
            answered: share of the products that may be answered. Unknown photos that look most like another
                one get no name anyway, so more of the rest may.
        """
        allowed = rate / max(answered, rate)
        return float(np.interp(np.log(allowed), np.log(RATES), self.thresholds))


@dataclass(frozen=True)
class Tried:
    """What became of photos in trials: all of products that were there, or all of hidden ones."""

    features: np.ndarray  # (N, FEATURES)
    products: np.ndarray  # (N,) int64, what these show

    @cached_property
    def weights(self) -> np.ndarray:
        """(N,) share of each photo, 1 in all: products weigh alike, however often they were photographed."""
        counts = np.bincount(self.products)
        return 1 / counts[self.products] / (counts > 0).sum()

    def only(self, kept: np.ndarray) -> "Tried":
        """The same for some of the photos, (N,) bool."""
        return Tried(self.features[kept], self.products[kept])


def fit_weights(known: Tried, unknown: Tried) -> np.ndarray:
    """Fit logistic regression, both sides weighing the same, no feature counting against a known product.

    Args:
        known: photos whose product was there.
        unknown: photos whose product was hidden.
    Returns:
        (FEATURES,) float64, none negative; only the order of the scores it makes means anything.
    """
    x = np.concatenate([known.features, unknown.features])
    scale = x.std(axis=0) + 1e-6
    x = (x - x.mean(axis=0)) / scale
    y = np.concatenate([np.ones(len(known.features)), np.zeros(len(unknown.features))])
    share = np.concatenate([known.weights, unknown.weights]) / 2
    used = np.ones(FEATURES, bool)
    weights = np.zeros(FEATURES)
    while used.any():
        weights[:] = 0
        weights[used] = _logistic_regression(x[:, used], y, share)
        if (weights >= 0).all():
            break
        used &= weights > 0  # few products can make a feature look as if it meant its opposite
    return weights / scale


def _logistic_regression(x: np.ndarray, y: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(N, F) standardised features and (N,) 0 or 1 to (F,) weights, by Newton's method with a ridge."""
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    ridge = np.diag([2 * RIDGE] * (x.shape[1] - 1) + [1e-9])
    weights = np.zeros(x.shape[1])
    for _ in range(25):
        chance = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (share * (chance - y)) + ridge @ weights
        curve = (x * (share * chance * (1 - chance))[:, None]).T @ x + ridge
        step = np.linalg.solve(curve, slope)
        weights -= step
        if np.abs(step).max() < 1e-6:
            break
    return weights[:-1]
