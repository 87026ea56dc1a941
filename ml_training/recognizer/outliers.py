"""Finds photos that look wrong among a shop's vectors: nearer to another product than to their own, or nearly
the same picture as another.

No model is needed and nothing is fitted: class means and nearest neighbours, each photo left out of its own.
docs/advice.md has the measurements.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

NEIGHBOURS = 10
MAX_CANDIDATES = 1000  # photos whose neighbours are looked at
MIN_SCORE = 0.9  # from which on a photo is an outlier
MORE_FOR_FEW = 3.0  # added for products with few photos, as their means are uncertain
MEANS_WEIGHT = 3.0
SAME_PICTURE = 0.99  # cosine: a file saved anew has 0.993 to 1, two shots of one burst seldom reach it
SAME_PICTURE_ELSEWHERE = 0.97  # of photos of different products, which are never so near by nature
SKETCH = 64  # numbers of a sketch, by which copies are found
# Squared distance of two sketches up to which photos are compared in full: twice that of the same picture,
# since a sketch is off by a sixth of it.
SKETCHED_APART = 4 * (1 - SAME_PICTURE)
MAX_COMPARED = 8  # photos compared with one in full
ROWS = 1024  # photos compared with the means of products at once
ROWS_WITH_ALL = 128  # photos compared with all others at once


@dataclass(frozen=True)
class Outlier:
    """A photo that lies nearer to another product than to its own."""

    row: int
    nearest: int  # the row of the nearest photo of that product
    score: float  # the higher, the surer
    is_copy: bool  # nearly the same picture as the nearest


def find_outliers(vectors: np.ndarray, labels: np.ndarray) -> list[Outlier]:
    """Find photos that belong to another product, by the looks of the others.

    Two votes are added: how much farther the photo is from the mean of its own product, itself left out, than
    from the nearest other mean; and how many more of its nearest photos show one other product than its own.

    Args:
        vectors: (N, D) L2-normalised, of any float type; computed in float32, `ROWS` at a time.
        labels: (N,) int64, every class in [0, C) at least once.
    Returns:
        The surest first.
    """
    counts = np.bincount(labels)
    if len(counts) < 2:
        return []
    ratios = _ratios(vectors, labels, counts)
    candidates = np.flatnonzero(ratios > 1)
    candidates = candidates[np.argsort(-ratios[candidates], kind="stable")][:MAX_CANDIDATES]
    outliers = []
    for rows in _steps(candidates, ROWS_WITH_ALL):
        near = _cosines(vectors, rows)  # (R, N)
        near[np.arange(len(rows)), rows] = -2  # not its own neighbour
        for row, cosines in zip(rows.tolist(), near, strict=True):
            outlier = _judge(row, cosines, labels, counts, float(ratios[row]))
            if outlier is not None:
                outliers.append(outlier)
    return sorted(outliers, key=lambda outlier: -outlier.score)


def _judge(
    row: int, cosines: np.ndarray, labels: np.ndarray, counts: np.ndarray, ratio: float
) -> Outlier | None:
    product = int(labels[row])
    size = int(min(NEIGHBOURS, max(3, counts[product] - 1), len(labels) - 1))
    votes = np.bincount(labels[np.argpartition(-cosines, size - 1)[:size]], minlength=len(counts))
    for_own, votes[product] = votes[product], 0
    others = np.where(labels == product, -2, cosines)
    twin = int(others.argmax())
    is_copy = bool(others[twin] >= SAME_PICTURE_ELSEWHERE)
    score = MEANS_WEIGHT * (ratio - 1) + (votes.max() - for_own) / size
    if score < MIN_SCORE + MORE_FOR_FEW / counts[product] and not is_copy:
        return None
    if votes.max() and not is_copy:
        twin = int(np.where(labels == votes.argmax(), cosines, -2).argmax())
    return Outlier(row, twin, round(float(score), 3), is_copy)


def _ratios(vectors: np.ndarray, labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(N,) squared distance from the photo's own mean, itself left out, over that from the nearest other one.

    Each is first divided by what the mean's own uncertainty adds. 0 for the only photo of a product.
    """
    sums = np.zeros((len(counts), vectors.shape[1]), np.float32)
    for rows in _steps(np.argsort(labels, kind="stable")):
        classes, starts = np.unique(labels[rows], return_index=True)
        sums[classes] += np.add.reduceat(_some(vectors, rows), starts)
    squares, n = (sums**2).sum(axis=1), counts.astype(np.float32)
    ratios = np.zeros(len(labels), np.float32)
    for block in _blocks(len(labels)):
        inner, shown = _some(vectors, block) @ sums.T, labels[block]  # (R, C), (R,)
        place = np.arange(len(shown))
        to_own, left = inner[place, shown], np.maximum(n[shown] - 1, 1)
        near = (1 + (squares[shown] - 2 * to_own + 1) / left**2 - 2 * (to_own - 1) / left) / (1 + 1 / left)
        far = (1 + squares / n**2 - 2 * inner / n) / (1 + 1 / n)
        far[place, shown] = np.inf
        ratios[block] = np.where(n[shown] > 1, near / np.maximum(far.min(axis=1), 1e-6), 0)
    return ratios


def find_copies(vectors: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """Find photos of one product that are nearly the same picture: a file saved anew, or lightly edited.

    Args:
        vectors, labels: as for `find_outliers`.
    Returns:
        Groups of two and more rows, ascending; the largest group first. The first of each is the one to keep.
    """
    sketch = np.random.default_rng(0).normal(size=(vectors.shape[1], SKETCH)).astype(np.float32)
    sketches = np.concatenate([_some(vectors, rows) @ sketch for rows in _blocks(len(labels))]) / np.float32(
        SKETCH**0.5
    )  # (N, SKETCH)
    order = np.argsort(labels, kind="stable")
    groups = []
    for of_product in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        groups += _copies_within(vectors, sketches[of_product], of_product)
    return sorted(groups, key=len, reverse=True)


def _copies_within(vectors: np.ndarray, sketches: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    """Each photo joins the group of the nearest earlier one that it copies.

    Sketches, which keep distances roughly, say which few are worth comparing in full.
    """
    order = np.arange(len(rows))
    keeper, norms = order.copy(), (sketches**2).sum(axis=1)
    for part in _steps(order):
        apart = norms[part, None] + norms - 2 * sketches[part] @ sketches.T  # (R, n)
        apart[order >= part[:, None]] = np.inf  # each is compared with earlier ones
        for place in np.flatnonzero(apart.min(axis=1) < SKETCHED_APART):
            row = part[place]
            near = np.flatnonzero(apart[place] < SKETCHED_APART)
            near = near[np.argsort(apart[place, near], kind="stable")][:MAX_COMPARED]
            for first in near.tolist():
                both = _some(vectors, rows[[first, row]])
                if both[0] @ both[1] >= SAME_PICTURE:
                    keeper[row] = keeper[first]
                    break
    with_copies = np.flatnonzero(np.bincount(keeper) > 1)
    return [rows[keeper == first] for first in with_copies]


def _cosines(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(R, N) float32 cosines of some photos with all."""
    some = _some(vectors, rows)
    return np.concatenate([some @ _some(vectors, part).T for part in _blocks(len(vectors))], axis=1)


def _some(vectors: np.ndarray, rows: np.ndarray | slice) -> np.ndarray:
    """Some of (N, D) vectors as float32; not copied where they are that and in one piece."""
    return vectors[rows].astype(np.float32, copy=False)


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, start + ROWS) for start in range(0, count, ROWS))


def _steps(rows: np.ndarray, size: int = ROWS) -> Iterator[np.ndarray]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
