"""Makes probabilities mean what they say."""

import numpy as np

LIST_HOLDS = 0.95  # share of photos of known products whose short list holds the right one
WHOLE_LIST = float(np.finfo(np.float32).max)  # a gap that nothing exceeds
TEMPERATURES = np.geomspace(0.05, 5000.0, 801)
# Measured on photos from elsewhere, at 1 to 33 photos a product: the more there are, the surer is their mean.
USUAL_WITH_MANY = 30.0
USUAL_FOR_FEW = 350.0  # divided by the photos a product, and added


def usual_temperature(photos: float) -> float:
    """The temperature for a shop with this many photos a product, while none could be held out."""
    return USUAL_WITH_MANY + USUAL_FOR_FEW / photos


def fit_temperature(logits: np.ndarray, labels: np.ndarray, usual: float) -> float:
    """Find the temperature with the least negative log-likelihood.

    What is usual weighs as much as one photo: where all photos are right, these alone would call for ever
    smaller temperatures, and the first mistake would be made with certainty.

    Args:
        logits: (N, C) float32 of photos held out from the head.
        labels: (N,) int64.
        usual: see `usual_temperature`; the answer where there are no photos.
    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks"; with a gamma prior on the inverse of
        the temperature.
    """
    if not len(labels):
        return usual
    largest = logits.max(axis=1, keepdims=True)
    shifted = logits - largest
    labelled = float(np.take_along_axis(shifted, labels[:, None], axis=1).mean(dtype=np.float64))

    def slope(temperature: float) -> float:  # of the loss, along the inverse of the temperature
        return _expected(shifted, temperature) - labelled + (usual - temperature) / len(labels)

    low, high = 0, len(TEMPERATURES) - 1
    while low < high:  # the loss has one valley: it is convex in the inverse of the temperature
        middle = (low + high) // 2
        is_too_sure = slope(TEMPERATURES[middle]) > 0
        low, high = (middle + 1, high) if is_too_sure else (low, middle)
    beside = TEMPERATURES[max(low - 1, 0) : low + 1]  # the slope changes its sign between them
    return float(min(beside, key=lambda t: abs(slope(t))))


def _expected(shifted: np.ndarray, temperature: float) -> float:
    """The mean over photos of the logit that (N, C) logits, 0 at the most, themselves expect."""
    chances = np.exp(shifted / np.float32(temperature))
    return float(((chances * shifted).sum(axis=1) / chances.sum(axis=1)).mean(dtype=np.float64))


def softmax(logits: np.ndarray) -> np.ndarray:
    """(N, C) logits to (N, C) probabilities."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def fit_list_gap(logits: np.ndarray, labels: np.ndarray) -> float:
    """How far below the first logit the right one may lie, so that short lists hold it.

    Args:
        logits: (N, C) float32 of temperature 1, of photos held out from the head.
        labels: (N,) int64.
    Returns:
        The gap that LIST_HOLDS of the photos of another draw do not exceed, products weighing alike, with the
        correction for few; WHOLE_LIST where they are too few to say.
    Source: Papadopoulos et al. 2002, "Inductive Confidence Machines" (split conformal prediction).
    """
    if not len(labels):
        return WHOLE_LIST
    gaps = logits.max(axis=1) - np.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    counts = np.bincount(labels)
    share = 1 / counts[labels] / (counts > 0).sum()  # (N,), 1 in all
    level = LIST_HOLDS * (1 + np.square(share).sum())  # one photo more, of as many as count
    order = np.argsort(gaps)
    place = int(np.searchsorted(np.cumsum(share[order]), level - 1e-9))
    return float(gaps[order[place]]) if place < len(gaps) else WHOLE_LIST
