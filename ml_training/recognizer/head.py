"""The head: a linear layer on a backbone's vectors, fitted in closed form.

Linear discriminant analysis with shrinkage: the same photos always give the same head, one photo a product
is enough, and 2,640 photos of 81 products take a fraction of a second.
Called by training and evaluation. torch is imported only while fitting: whoever serves does without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

SHRINKAGE = 0.5


class TooFewProducts(ValueError):
    """Raised when fewer than two products have a usable photo."""


@dataclass(frozen=True)
class Head:
    """`vectors @ weights.T + bias` are logits; divided by `temperature`, softmax makes probabilities."""

    weights: np.ndarray  # (C, D) float32
    bias: np.ndarray  # (C,) float32
    temperature: float = 1.0

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """(N, D) float32 to (N, C) float32, temperature applied."""
        return (vectors @ self.weights.T + self.bias) / np.float32(self.temperature)


def fit_head(vectors: np.ndarray, labels: np.ndarray, shrinkage: float = SHRINKAGE) -> Head:
    """Fit linear discriminant analysis with shrinkage towards a round covariance.

    All products are taken as equally likely: how often a product was photographed says nothing about how
    often it is sold.

    Args:
        vectors: (N, D) float32, L2-normalised rows.
        labels: (N,) int64, class index in [0, C), every class at least once.
        shrinkage: in (0, 1]; 1 is nearest class mean.
    Returns:
        Head with temperature 1.
    Raises:
        TooFewProducts: C < 2.
    Source: Friedman 1989, "Regularized Discriminant Analysis" (one shared covariance).
    """
    import torch

    x, y = torch.from_numpy(vectors), torch.from_numpy(labels)  # (N, D), (N,)
    classes = int(y.max()) + 1 if len(y) else 0
    if classes < 2:
        raise TooFewProducts("At least two products need a usable photo.")
    means = class_means(x, y, classes)  # (C, D)
    centred = x - means[y]  # (N, D)
    scatter = centred.T @ centred / len(x)  # (D, D)
    round_part = scatter.diagonal().mean().clamp(min=1e-6)
    covariance = scatter.mul_(1 - shrinkage)
    covariance.diagonal().add_(shrinkage * round_part)
    centre = means.mean(dim=0)  # subtracting it changes no difference of logits, and keeps them small
    weights = torch.cholesky_solve((means - centre).T, torch.linalg.cholesky(covariance)).T  # (C, D)
    bias = -0.5 * ((means + centre) * weights).sum(dim=1)  # (C,)
    return Head(weights.contiguous().numpy(), bias.numpy())


def class_means(x: torch.Tensor, y: torch.Tensor, classes: int) -> torch.Tensor:
    """(N, D) vectors and (N,) labels to (C, D) means."""
    import torch

    sums = torch.zeros(classes, x.shape[1], dtype=x.dtype).index_add_(0, y, x)
    return sums / torch.bincount(y, minlength=classes).clamp(min=1).unsqueeze(1)
