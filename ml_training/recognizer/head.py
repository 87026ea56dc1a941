"""The head: a linear layer on a backbone's vectors, fitted in closed form.

Linear discriminant analysis with shrinkage: the same photos always give the same head, one photo a product
is enough, and 2,640 photos of 81 products take a fraction of a second.
Called by training and evaluation. torch is imported only while fitting: whoever serves does without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ml_training.recognizer.open_set import OpenSet

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
    open_set: OpenSet | None = None  # without one, no answer is certain

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """(N, D) float32 to (N, C) float32, temperature applied."""
        return (vectors @ self.weights.T + self.bias) / np.float32(self.temperature)


@dataclass(frozen=True)
class Discriminant:
    """A fitted head and the space it was fitted in, where the photos of any product scatter alike."""

    head: Head
    means: np.ndarray  # (C, D) float32
    between: np.ndarray  # (C, C) float32, squared distances between the products' means, in this space
    _factor: torch.Tensor  # (D, D) lower Cholesky factor of the covariance
    _centre: torch.Tensor  # (D,) mean of the products' means

    def squared_norms(self, vectors: np.ndarray) -> np.ndarray:
        """(N, D) float32 to (N,) squared distances from the centre; less twice a logit: from its product."""
        import torch

        centred = (torch.from_numpy(vectors) - self._centre).T
        return torch.linalg.solve_triangular(self._factor, centred, upper=False).square().sum(dim=0).numpy()


def fit_head(vectors: np.ndarray, labels: np.ndarray, shrinkage: float = SHRINKAGE) -> Head:
    """Fit the head alone; see `fit_discriminant`."""
    return fit_discriminant(vectors, labels, shrinkage=shrinkage).head


def fit_discriminant(
    vectors: np.ndarray,
    labels: np.ndarray,
    scattered: np.ndarray | None = None,
    shrinkage: float = SHRINKAGE,
) -> Discriminant:
    """Fit linear discriminant analysis with shrinkage towards a round covariance.

    All products are taken as equally likely: how often a product was photographed says nothing about how
    often it is sold.

    Args:
        vectors: (N, D) float32, L2-normalised rows.
        labels: (N,) int64, class index in [0, C), every class at least once.
        scattered: (N,) bool, the photos that the covariance is made of; all if left out.
        shrinkage: in (0, 1]; 1 is nearest class mean.
    Returns:
        Discriminant whose head has temperature 1.
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
    if scattered is None:
        centred = x - means[y]  # (N, D)
    else:
        kept = torch.from_numpy(scattered)
        centred = x[kept] - class_means(x[kept], y[kept], classes)[y[kept]]
    factor = torch.linalg.cholesky(_shrunk_covariance(centred, shrinkage))  # (D, D)
    centre = means.mean(dim=0)  # subtracting it changes no difference of logits, and keeps them small
    weights = torch.cholesky_solve((means - centre).T, factor).T  # (C, D)
    bias = -0.5 * ((means + centre) * weights).sum(dim=1)  # (C,)
    gram = weights @ (means - centre).T  # (C, C)
    between = gram.diagonal().unsqueeze(1) + gram.diagonal() - gram - gram.T
    head = Head(weights.contiguous().numpy(), bias.numpy())
    return Discriminant(head, means.numpy(), between.clamp(min=0).numpy(), factor, centre)


def _shrunk_covariance(centred: torch.Tensor, shrinkage: float) -> torch.Tensor:
    """(N, D) differences from the class means to a (D, D) covariance, mixed with a round one."""
    covariance = centred.T @ centred / max(len(centred), 1)
    round_part = covariance.diagonal().mean().clamp(min=1e-6)
    covariance.mul_(1 - shrinkage)
    covariance.diagonal().add_(shrinkage * round_part)
    return covariance


def class_means(x: torch.Tensor, y: torch.Tensor, classes: int) -> torch.Tensor:
    """(N, D) vectors and (N,) labels to (C, D) means."""
    import torch

    sums = torch.zeros(classes, x.shape[1], dtype=x.dtype).index_add_(0, y, x)
    return sums / torch.bincount(y, minlength=classes).clamp(min=1).unsqueeze(1)
