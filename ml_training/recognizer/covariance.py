"""How photos scatter around their products' means: of all photos, and of those that each trial leaves.

Photos that the same trials leave out are summed once, so that some trials cost hardly more than one fit. Sums
are symmetric: only their lower triangles are computed, and a block of rows at a time, which stays in the
processor's cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

ROWS = 256  # of a block
MAX_SHARE_SPANNED = 0.5  # photos to numbers in a vector, above which a basis costs more than it saves
# The squared distance of a photo from its product's mean, measured. It counts as one photo more, and is all
# there is where no product has two.
USUAL = 0.2


def span_of(vectors: np.ndarray) -> np.ndarray | None:
    """A basis of the space that a few photos span: all that is fitted lies in it, and costs a part there.

    Returns:
        (D, N) float32 with orthonormal columns for (N, D) vectors; None where they are too many for a gain.
    """
    import torch

    photos, size = vectors.shape
    if photos > size * MAX_SHARE_SPANNED:
        return None
    return torch.linalg.qr(torch.from_numpy(vectors).T)[0].numpy()


class Scatter:
    """Sums of squares and products of the photos' differences from their products' means."""

    def __init__(
        self,
        vectors: np.ndarray,
        labels: np.ndarray,
        left_out: np.ndarray | None = None,
        dimensions: int | None = None,
    ):
        """Add up all photos.

        Args:
            vectors: (N, D) float32.
            labels: (N,) int64, class index in [0, C), every class at least once.
            left_out: (N, T) bool, which photos each of T trials does without.
            dimensions: of the whole space, where these are coordinates in a part of it; D if left out.
        """
        import torch

        if left_out is None:
            left_out = np.zeros((len(labels), 0), bool)
        x, self._labels = torch.from_numpy(vectors), torch.from_numpy(labels)  # (N, D), (N,)
        self.means = _means(x, self._labels)  # (C, D), of all photos in every trial
        mean_of_each = self.means[self._labels]
        self._centred = torch.sub(x, mean_of_each, out=mean_of_each)  # (N, D)
        self._kept = torch.from_numpy(~left_out)  # (N, T)
        size = x.shape[1]
        self.dimensions = dimensions or size
        self._total, *self._left_out = (torch.zeros(size, size) for _ in range(1 + left_out.shape[1]))
        patterns, group = np.unique(left_out, axis=0, return_inverse=True)
        parts = [self._centred[torch.from_numpy(group.ravel() == number)] for number in range(len(patterns))]
        for block in _lower_blocks(size):
            for part, pattern in zip(parts, patterns, strict=True):
                products = part[:, block[0]].T @ part[:, block[1]]
                for sums in (self._total, *(self._left_out[trial] for trial in np.flatnonzero(pattern))):
                    sums[block] += products

    def covariance(self, shrinkage: float = 0.0) -> torch.Tensor:
        """(D, D) of all photos, mixed with a round one; only the lower triangle is filled."""
        return self._mixed(self._total.clone(), len(self._labels) - len(self.means), shrinkage)

    def covariance_in(self, trial: int, shrinkage: float = 0.0) -> torch.Tensor:
        """The same of the photos that a trial leaves, around the means of these. To be asked for once."""
        import torch

        kept = self._kept[:, trial]
        photos = torch.bincount(self._labels[kept], minlength=len(self.means))
        counts = photos.clamp(min=1)
        sums = torch.zeros_like(self.means).index_add_(0, self._labels[~kept], self._centred[~kept])  # (C, D)
        off = sums / counts.sqrt().unsqueeze(1)  # what is left sums up to the opposite
        left = torch.sub(self._total, self._left_out[trial], out=self._left_out[trial])
        for rows, columns in _lower_blocks(len(left)):
            left[rows, columns].addmm_(off[:, rows].T, off[:, columns], alpha=-1)
        return self._mixed(left, int((photos - 1).clamp(min=0).sum()), shrinkage)

    def _mixed(self, sums: torch.Tensor, freedom: int, shrinkage: float) -> torch.Tensor:
        """(D, D) sums around means that took all but `freedom` of the photos' freedom, to what is usual."""
        usual = USUAL / self.dimensions
        round_part = float(sums.diagonal().sum()) / self.dimensions + usual
        sums.mul_(1 - shrinkage).diagonal().add_((1 - shrinkage) * usual + shrinkage * round_part)
        return sums.div_(freedom + 1)


def _lower_blocks(size: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the blocks that hold a square's lower triangle."""
    for begin in range(0, size, ROWS):
        yield slice(begin, begin + ROWS), slice(min(begin + ROWS, size))


def _means(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """(N, D) vectors and (N,) labels to (C, D) means."""
    import torch

    counts = torch.bincount(y)
    return torch.zeros(len(counts), x.shape[1], dtype=x.dtype).index_add_(0, y, x) / counts.unsqueeze(1)
