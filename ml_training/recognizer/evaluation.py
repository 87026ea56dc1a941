"""Predicts every training photo by a head that did not see it.

Called by training for calibration. Photos are held out by folds.
"""

import numpy as np

from ml_training.recognizer.head import fit_head

FOLDS = 4


def held_out_logits(vectors: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score photos by heads fitted without them.

    Products with a single photo always stay in the head and are not scored.

    Args:
        vectors: (N, D) float32.
        labels: (N,) int64.
    Returns:
        (M,) int64 indices of the photos that could be held out, and their (M, C) float32 logits.
    """
    fold = _folds(labels)
    indices, logits = [], []
    for number in range(FOLDS):
        held = np.flatnonzero(fold == number)
        if not len(held):
            continue
        rest = fold != number
        head = fit_head(vectors[rest], labels[rest])
        indices.append(held)
        logits.append(head.logits(vectors[held]))
    if not indices:
        return np.zeros(0, np.int64), np.zeros((0, int(labels.max()) + 1), np.float32)
    return np.concatenate(indices), np.concatenate(logits)


def _folds(labels: np.ndarray) -> np.ndarray:
    """(N,) fold of each photo: consecutive photos of a product share one; -1 is never held out."""
    fold = np.full(len(labels), -1)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        if len(own) > 1:
            fold[own] = np.arange(len(own)) * min(FOLDS, len(own)) // len(own)
    return fold
