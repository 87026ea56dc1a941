"""The head: a linear layer on a backbone's vectors, fitted in closed form.

Linear discriminant analysis with shrinkage: the same photos always give the same head, one photo a product is
enough, and 2,640 photos of 81 products take a fraction of a second. torch is imported only while fitting:
whoever serves does without.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ml_training.recognizer.covariance import Scatter
from ml_training.recognizer.half_precision import round_to_half

if TYPE_CHECKING:
    import torch

    from ml_training.recognizer.answers.open_set import OpenSet

SHRINKAGE = 0.5
DIRECTIONS = 128  # along which distances are measured: fewer are quicker and rougher


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

    def rounded(self) -> Head:
        """The same head with numbers that files for devices hold in half the bytes.

        A head is rounded when it is finished, so that it answers here what it answers there. A second call
        changes nothing.
        """
        open_set = self.open_set and replace(self.open_set, means=round_to_half(self.open_set.means))
        return replace(self, weights=round_to_half(self.weights), open_set=open_set)


@dataclass(frozen=True)
class Discriminant:
    """A fitted head and the space it was fitted in, where the photos of any product scatter alike."""

    head: Head
    means: np.ndarray  # (C, D) float32
    between: np.ndarray  # (C, C) float32, squared distances between the products' means, in this space
    _factor: torch.Tensor  # (D, D) lower Cholesky factor of the covariance

    def moved_to(self, basis: np.ndarray) -> Discriminant:
        """The same in the whole space, of one that was fitted in the coordinates of a (D, R) basis."""
        head = replace(self.head, weights=self.head.weights @ basis.T)
        return replace(self, head=head, means=self.means @ basis.T)

    def distances_to_own(self, vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """(N, D) float32 and (N,) class indices to (N,) squared distances from these means, in this space.

        Of more photos than DIRECTIONS they are measured along so many, drawn by lot: then off by 12 %
        (one standard deviation).

        Source: Johnson & Lindenstrauss 1984, "Extensions of Lipschitz mappings into a Hilbert space".
        """
        import torch

        if len(vectors) <= DIRECTIONS:
            off = torch.from_numpy(vectors - self.means[labels]).T
            return torch.linalg.solve_triangular(self._factor, off, upper=False).square().sum(dim=0).numpy()
        directions = _directions(len(self._factor))
        # Applied from the right, it takes vectors into this space: (D, DIRECTIONS).
        to_space = torch.linalg.solve_triangular(self._factor.T, directions, upper=True).numpy()
        off = vectors @ to_space - (self.means @ to_space)[labels]
        return np.einsum("nk,nk->n", off, off)


def fit_head(vectors: np.ndarray, labels: np.ndarray, shrinkage: float = SHRINKAGE) -> Head:
    """Fit linear discriminant analysis with shrinkage towards a round covariance.

    Args:
        vectors: (N, D) float32, L2-normalised rows.
        labels: (N,) int64, class index in [0, C), every class at least once.
        shrinkage: in (0, 1]; 1 is nearest class mean.
    Returns:
        Head with temperature 1.
    Raises:
        TooFewProducts: C < 2.
    """
    need_two_products(labels)
    return fit_discriminant(Scatter(vectors, labels), shrinkage=shrinkage).head


def need_two_products(labels: np.ndarray) -> None:
    """Raises TooFewProducts for (N,) labels of fewer than two classes."""
    if not len(labels) or labels.max() < 1:
        raise TooFewProducts("At least two products need a usable photo.")


def fit_discriminant(
    scatter: Scatter, trial: int | None = None, shrinkage: float = SHRINKAGE
) -> Discriminant:
    """Fit a head from what was added up.

    All products are taken as equally likely: how often a product was photographed says nothing about how
    often it is sold.

    Args:
        trial: the one whose photos are left out; may be asked for once. None for all photos.
        shrinkage: in (0, 1]; 1 is nearest class mean.
    Source: Friedman 1989, "Regularized Discriminant Analysis" (one shared covariance).
    """
    import torch

    means = scatter.means
    covariance = scatter.covariance(shrinkage) if trial is None else scatter.covariance_in(trial, shrinkage)
    factor = torch.linalg.cholesky(covariance)  # (D, D)
    centre = means.mean(dim=0)  # subtracting it changes no difference of logits, and keeps them small
    inside = torch.linalg.solve_triangular(factor, (means - centre).T, upper=False)  # (D, C)
    weights = torch.linalg.solve_triangular(factor.T, inside, upper=True).T.contiguous()  # (C, D)
    bias = -0.5 * ((means + centre) * weights).sum(dim=1)  # (C,)
    gram = inside.T @ inside  # (C, C)
    between = gram.diagonal().unsqueeze(1) + gram.diagonal() - gram - gram.T
    head = Head(weights.numpy(), bias.numpy())
    return Discriminant(head, means.numpy(), between.clamp(min=0).numpy(), factor)


@cache
def _directions(size: int) -> torch.Tensor:
    """(D, DIRECTIONS) drawn by lot, the same for the same D: lengths along them are right on average."""
    import torch

    lots = torch.Generator().manual_seed(size)
    return torch.randn(size, DIRECTIONS, generator=lots) / DIRECTIONS**0.5
