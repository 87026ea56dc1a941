"""Puts what the trials showed into figures for people."""

import numpy as np

from ml_training.recognizer.calibration import softmax
from ml_training.recognizer.cross_validation import HALF_SHIFT, Trials

# How far the estimate may be off by its method, where there are many photos a product; twice that where there
# are three. docs/recognizer.md has how far it was off where it could be compared.
METHOD_ERROR = 0.05
MAX_MIX_UPS = 20
BINS = 10


def report_accuracy(trials: Trials, labels: np.ndarray) -> dict:
    """Say how often the first answer will be right on photos from elsewhere.

    Returns:
        `accuracy` with `accuracy_range` (low, high), both fractions and every product counting the same;
        `among_three`, how often the right product is among the first three answers;
        `products_judged`, how many products that is: those of single photos are not;
        `accuracy_by_product`, by class index; `mix_ups`: class shown, class answered, share of its photos.
        Nothing where no photo could be held out.
    """
    if not len(trials.held):
        return {}
    shown = labels[trials.held]
    logits = trials.elsewhere(labels)
    answers = logits.argmax(axis=1)
    counts = np.bincount(shown, minlength=trials.logits.shape[1])
    place = (logits > np.take_along_axis(logits, shown[:, None], axis=1)).sum(axis=1)
    among_three = np.bincount(shown[place < 3], minlength=len(counts))
    right = np.bincount(shown[answers == shown], minlength=len(counts))
    judged = np.flatnonzero(counts)
    shares = right[judged] / counts[judged]
    accuracy = float(shares.mean())
    chance = 1.96 * float(np.sqrt((shares * (1 - shares) / counts[judged]).sum())) / len(judged)
    few = HALF_SHIFT / counts[judged].mean()
    off = float(np.hypot(chance, METHOD_ERROR * (1 + few)))
    return {
        "accuracy": round(accuracy, 4),
        "among_three": round(float((among_three[judged] / counts[judged]).mean()), 4),
        "products_judged": len(judged),
        "accuracy_range": [round(max(0.0, accuracy - off), 4), round(min(1.0, accuracy + off), 4)],
        "accuracy_by_product": {str(c): round(float(s), 4) for c, s in zip(judged, shares, strict=True)},
        "mix_ups": _mix_ups(shown, answers, counts),
    }


def _mix_ups(shown: np.ndarray, answers: np.ndarray, counts: np.ndarray) -> list[list]:
    wrong = shown != answers
    pairs, times = np.unique(np.stack([shown[wrong], answers[wrong]]), axis=1, return_counts=True)
    shares = times / counts[pairs[0]]
    order = np.argsort(-shares, kind="stable")[:MAX_MIX_UPS]
    return [[int(pairs[0, i]), int(pairs[1, i]), round(float(shares[i]), 4)] for i in order]


def measure_reliability(logits: np.ndarray, labels: np.ndarray) -> list[list]:
    """Say whether probabilities mean what they say.

    Args:
        logits: (M, C) of photos held out, temperature applied.
        labels: (M,) int64.
    Returns:
        For each of ten equal ranges of the first answer's probability that holds photos: their mean
        probability, the share that was right, and how many they are.
    """
    probabilities = softmax(logits)
    first, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    filled = [bins == number for number in range(BINS) if (bins == number).any()]
    return [
        [
            round(float(sure[in_bin].mean()), 4),
            round(float((first == labels)[in_bin].mean()), 4),
            int(in_bin.sum()),
        ]
        for in_bin in filled
    ]
