"""Says how far an answer can be trusted: whether a photo shows one of the products at all, and this one."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ml_training.recognizer.answers.promise import Thresholds
from ml_training.recognizer.answers.score import Score
from ml_training.recognizer.calibration import usual_temperature

NOISE = 1e-4  # least squared distance, as a share of its terms: of smaller ones float32 leaves only noise
FLAT = 1e-6  # least squared distance, where means are all the same
TINY = 1e-9  # least squared length
RIVALS = 3  # how many other products the nearest one is compared with


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
        self.row_means = between.mean(axis=1)  # (C,)
        gram = -0.5 * (between - self.row_means[:, None] - self.row_means + between.mean())
        self.norms = np.diag(gram)  # (C,)
        values, axes = np.linalg.eigh(gram.astype(np.float64))
        kept = values > max(values.max(), 1e-12) * 1e-6
        self.to_plane = axes[:, kept] / np.sqrt(values[kept])  # (C, R)

    def place(self, logits: np.ndarray) -> Placement:
        """Place photos by their (N, C) logits of temperature 1.

        Source: Gower 1968, "Adding a point to vector diagrams in multivariate analysis".
        """
        inner = logits + 0.5 * self.row_means
        inner = inner - inner.mean(axis=1, keepdims=True)  # (N, C) inner products with the centred means
        norms = ((inner @ self.to_plane) ** 2).sum(axis=1)  # (N,)
        distances = np.maximum(norms[:, None] + self.norms - 2 * inner, smallest_distances(self.norms))
        return Placement(distances, inner, norms, np.maximum(self.norms, FLAT))


def smallest_distances(norms: np.ndarray) -> np.ndarray:
    """(C,) norms of means to the (C,) least squared distances from these that can be told from none."""
    return np.maximum(NOISE * norms, FLAT)


def squared_distances(vectors: np.ndarray, means: np.ndarray) -> np.ndarray:
    """(N, D) and (C, D) to (N, C)."""
    squares = np.einsum("nd,nd->n", vectors, vectors)[:, None] + np.einsum("cd,cd->c", means, means)
    return np.maximum(squares - 2 * vectors @ means.T, NOISE)


@dataclass(frozen=True)
class Spread:
    """How far photos of each product usually lie from its mean, squared, and how many it was made of."""

    in_plane: np.ndarray  # (C,) float32
    plain: np.ndarray  # (C,) float32, between the vectors as they are
    photos: np.ndarray  # (C,) float32

    def only(self, kept: np.ndarray) -> "Spread":
        return Spread(self.in_plane[kept], self.plain[kept], self.photos[kept])


def features(placement: Placement, plain: np.ndarray, spread: Spread) -> np.ndarray:
    """What tells a first answer that is right from a wrong one, and from one for an unknown product.

    Args:
        plain: (N, C) squared distances of the photos' vectors to the products' means, as they are.
    Returns:
        (N, FEATURES): how much nearer the nearest product is than the next three, and than the next one; how
        near it is for a photo of that product, in the plane and without; how much better its direction fits
        than the next; how well; the logarithms of its probability at the usual temperature, of how many
        photos it has, and of how many products there are.
    """
    distances = placement.distances
    nearest = distances.argmin(axis=1)
    ordered = np.sort(distances, axis=1)
    rivals = ordered[:, 1 : 1 + RIVALS].mean(axis=1)
    lengths = np.sqrt(np.maximum(placement.squared_norms, TINY))[:, None] * np.sqrt(placement.means_norms)
    cosines = np.sort(placement.alignments / lengths, axis=1)
    temperature = usual_temperature(float(spread.photos.mean()))
    behind = np.exp((ordered[:, :1] - ordered) / (2 * temperature))  # (N, C) odds against the nearest one
    columns = [
        np.log(rivals / ordered[:, 0]),
        np.log(ordered[:, 1] / ordered[:, 0]),
        0.5 * np.log(spread.in_plane[nearest] / ordered[:, 0]),
        np.log(spread.plain[nearest] / plain[np.arange(len(plain)), nearest]),
        cosines[:, -1] - cosines[:, -2],
        cosines[:, -1],
        -np.log(behind.sum(axis=1)),
        np.log(spread.photos[nearest]),
        np.full(len(distances), np.log(distances.shape[1])),
    ]
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Tried:
    """What became of photos in trials: all of products that were there, or all of hidden ones."""

    features: np.ndarray  # (N, FEATURES)
    products: np.ndarray  # (N,) int64, what these show
    right: np.ndarray  # (N,) bool, whether the first answer was right

    @cached_property
    def weights(self) -> np.ndarray:
        """(N,) share of each photo, 1 in all: products weigh alike, however often they were photographed."""
        counts = np.bincount(self.products)
        return 1 / counts[self.products] / (counts > 0).sum()


@dataclass(frozen=True)
class OpenSet:
    """A score of an answer by its `features`, and what follows from it."""

    between: np.ndarray  # (C, C) float32, squared distances between the products' means
    means: np.ndarray  # (C, D) float32, of the vectors as they are
    spread: Spread
    score: Score
    confidence_line: tuple[
        float, float
    ]  # slope and offset: from a score to log-odds that the answer is right
    thresholds: Thresholds
    list_gap: float  # products of a short list have a logit (temperature 1) at most so much below the first

    @cached_property
    def plane(self) -> Plane:
        return Plane(self.between)

    def scores(self, vectors: np.ndarray, logits: np.ndarray) -> np.ndarray:
        """(N, D) vectors and (N, C) logits of temperature 1 to (N,) scores, log-odds of a right answer."""
        plain = squared_distances(vectors, self.means)
        return self.score.of(features(self.plane.place(logits), plain, self.spread))

    def confidence(self, scores: np.ndarray) -> np.ndarray:
        """(N,) scores to (N,) chances that the first answer is right."""
        slope, offset = self.confidence_line
        return 1 / (1 + np.exp(-np.clip(slope * scores + offset, -30, 30)))
