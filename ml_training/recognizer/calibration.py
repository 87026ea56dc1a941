"""Makes probabilities mean what they say."""

import numpy as np

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
