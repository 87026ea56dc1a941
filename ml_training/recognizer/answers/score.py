"""The score of an answer: the log-odds that it is right, linear in some features and in their products."""

from dataclasses import dataclass

import numpy as np

FEATURES = 9
PAIRED = 8  # the first features, whose squares and products count too: all but the number of products
BOUND = 3.0  # standard deviations at which a factor of a product ends: far away nothing was learned
FIRST, SECOND = np.triu_indices(PAIRED)  # (pairs,) the two features of each product
TERMS = FEATURES + len(FIRST)


@dataclass(frozen=True)
class Score:
    """Features are centred and scaled as they were where the score was learned."""

    centre: np.ndarray  # (FEATURES,) float64
    scale: np.ndarray  # (FEATURES,) float64
    weights: np.ndarray  # (TERMS,) float64
    bias: float

    def of(self, features: np.ndarray) -> np.ndarray:
        """(N, FEATURES) to (N,)."""
        return terms(features, self.centre, self.scale) @ self.weights + self.bias


def terms(features: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(N, FEATURES) to (N, TERMS): the features, and the products of each two of the first ones."""
    standard = (features - centre) / scale
    bounded = standard[:, :PAIRED].clip(-BOUND, BOUND)
    return np.concatenate([standard, bounded[:, FIRST] * bounded[:, SECOND]], axis=1)
