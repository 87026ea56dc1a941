"""Makes probabilities mean what they say.

Called by training with logits of photos that the head did not see.
"""

import numpy as np

TEMPERATURES = np.geomspace(0.05, 500.0, 641)
DEFAULT_TEMPERATURE = 4.0  # where a shop has too few photos to hold any out


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Find the temperature with the least negative log-likelihood.

    Args:
        logits: (N, C) float32 of photos held out from the head.
        labels: (N,) int64.
    Returns:
        Temperature; `DEFAULT_TEMPERATURE` for no photos.
    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks".
    """
    if not len(labels):
        return DEFAULT_TEMPERATURE
    largest = logits.max(axis=1, keepdims=True)
    shifted = logits - largest
    own = float(np.take_along_axis(shifted, labels[:, None], axis=1).mean(dtype=np.float64))
    low, high = 0, len(TEMPERATURES) - 1
    while low < high:  # the loss has one valley: it is convex in the inverse of the temperature
        middle = (low + high) // 2
        is_too_sure = _expected(shifted, TEMPERATURES[middle]) > own  # the slope's sign
        low, high = (middle + 1, high) if is_too_sure else (low, middle)
    beside = TEMPERATURES[max(low - 1, 0) : low + 1]  # the slope changes its sign between them
    return float(min(beside, key=lambda t: abs(_expected(shifted, t) - own)))


def _expected(shifted: np.ndarray, temperature: float) -> float:
    """The mean over photos of the logit that (N, C) logits, 0 at the most, themselves expect."""
    chances = np.exp(shifted / np.float32(temperature))
    return float(((chances * shifted).sum(axis=1) / chances.sum(axis=1)).mean(dtype=np.float64))


def softmax(logits: np.ndarray) -> np.ndarray:
    """(N, C) logits to (N, C) probabilities."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
