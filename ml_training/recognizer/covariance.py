"""How photos scatter around their products' means: of all photos, and of those that each trial leaves.

Photos that the same trials leave out are summed once, so that some trials cost hardly more than one fit. Sums
are symmetric: only their lower triangles are computed, and a block of rows at a time, which stays in the
processor's cache.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from ml_training.recognizer.head import Discriminant

ROWS = 256  # of a block
FEW = 3  # photos of a product up to which looks teach more than they blur. Measured.
MAX_SHARE_SPANNED = 0.5  # photos to numbers in a vector, above which a basis costs more than it saves
# The squared distance of a photo from its product's mean, measured. It counts as one photo more, and is all
# there is where no product has two.
USUAL = 0.2


@dataclass(frozen=True)
class Looks:
    """Single looks at photos of products that have few: each teaches as if it were a photo of its own."""

    vectors: np.ndarray  # (F, V, D) float32
    photos: np.ndarray  # (F,) int64, the rows of these photos

    def among(self, kept: np.ndarray) -> Looks:
        """Those of the photos that (N,) bool keep, numbered as these are."""
        of_kept = kept[self.photos]
        return Looks(self.vectors[of_kept], (np.cumsum(kept) - 1)[self.photos[of_kept]])


def rows_of_few(labels: np.ndarray) -> np.ndarray:
    """The photos of (N,) whose product has at most FEW: those that looks are of use for. Measured."""
    return np.flatnonzero(np.bincount(labels)[labels] <= FEW) if len(labels) else np.zeros(0, np.int64)


@dataclass(frozen=True)
class Contrasts:
    """What looks at some photos differ from their mean, as rows with the same squares and products."""

    rows: np.ndarray  # (M, D) float32: V - 1 of a photo, divided by the root of V
    photos: np.ndarray  # (M,) int64, the photo of each row
    share: float  # 1 / V: so much of a photo each row counts for

    @classmethod
    def of(cls, looks: Looks) -> Contrasts:
        views, size = looks.vectors.shape[1:]
        # (V, V - 1) with orthonormal columns that sum up to 0.
        off_mean = np.linalg.qr(np.eye(views) - 1 / views)[0][:, : views - 1] / np.sqrt(views)
        rows = np.einsum("fvd,vk->fkd", looks.vectors, off_mean.astype(np.float32))
        return cls(rows.reshape(-1, size), np.repeat(looks.photos, views - 1), 1 / views)


class Sample:
    """Photos as a head is fitted to them; where they are few, in the space that they span.

    Attributes:
        vectors: (N, R) float32, as they are judged.
        labels: (N,) int64.
    """

    def __init__(self, vectors: np.ndarray, labels: np.ndarray, looks: Looks | None = None):
        """Take the photos as they are, or in a basis.

        Args:
            vectors: (N, D) float32.
            labels: (N,) int64.
            looks: of photos that are learned by their looks.
        """
        self.labels, self._dimensions = labels, vectors.shape[1]
        learned, self._contrasts, everything = vectors, None, vectors
        if looks is not None and len(looks.photos):
            learned, self._contrasts = vectors.copy(), Contrasts.of(looks)
            learned[looks.photos] = looks.vectors.mean(axis=1)
            everything = np.concatenate([vectors, looks.vectors.reshape(-1, self._dimensions)])
        self._basis = basis = span_of(everything)
        if basis is not None:  # lengths and angles stay
            vectors, learned = vectors @ basis, learned @ basis
            if self._contrasts is not None:
                self._contrasts = replace(self._contrasts, rows=self._contrasts.rows @ basis)
        self.vectors, self._learned = vectors, learned

    def scatter(self, left_out: np.ndarray | None = None) -> Scatter:
        """Add up the photos; (N, T) bool says which each of T trials does without."""
        return Scatter(self._learned, self.labels, left_out, self._dimensions, self._contrasts)

    def in_whole_space(self, fitted: Discriminant) -> Discriminant:
        """What was fitted to this sample, for vectors of (D,) numbers."""
        return fitted if self._basis is None else fitted.moved_to(self._basis)


def span_of(vectors: np.ndarray) -> np.ndarray | None:
    """A basis of the space that a few rows span: all that is fitted lies in it, and costs a part there.

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
        contrasts: Contrasts | None = None,
    ):
        """Add up all photos.

        Args:
            vectors: (N, D) float32.
            labels: (N,) int64, class index in [0, C), every class at least once.
            left_out: (N, T) bool, which photos each of T trials does without.
            dimensions: of the whole space, where these are coordinates in a part of it; D if left out.
            contrasts: of looks at some of the photos, which are left out with these.
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
        self._share = contrasts.share if contrasts else 0.0
        of_rows = contrasts.photos if contrasts else np.zeros(0, np.int64)
        self._rows_kept = ~left_out[of_rows]  # (M, T)
        patterns, group = np.unique(left_out, axis=0, return_inverse=True)
        parts = [self._centred[torch.from_numpy(group.ravel() == number)] for number in range(len(patterns))]
        if contrasts:
            rows, of_group = torch.from_numpy(contrasts.rows), torch.from_numpy(group.ravel()[of_rows])
            parts = [torch.cat([part, rows[of_group == number]]) for number, part in enumerate(parts)]
        for block in _lower_blocks(size):
            for part, pattern in zip(parts, patterns, strict=True):
                products = part[:, block[0]].T @ part[:, block[1]]
                for sums in (self._total, *(self._left_out[trial] for trial in np.flatnonzero(pattern))):
                    sums[block] += products

    def covariance(self, shrinkage: float = 0.0) -> torch.Tensor:
        """(D, D) of all photos, mixed with a round one; only the lower triangle is filled."""
        freedom = len(self._labels) - len(self.means) + self._share * len(self._rows_kept)
        return self._mixed(self._total.clone(), freedom, shrinkage)

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
        of_looks = self._share * int(self._rows_kept[:, trial].sum())
        freedom = int((photos - 1).clamp(min=0).sum()) + of_looks
        return self._mixed(left, freedom, shrinkage)

    def _mixed(self, sums: torch.Tensor, freedom: float, shrinkage: float) -> torch.Tensor:
        """(D, D) sums around means that took all but `freedom` of the rows' freedom, to what is usual."""
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
