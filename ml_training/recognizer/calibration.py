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
    low, high = 0, len(TEMPERATURES) - 1
    while low < high:  # the loss has one valley: it is convex in the inverse of the temperature
        middle = (low + high) // 2
        here, next_one = (
            negative_log_likelihood(logits / t, labels) for t in TEMPERATURES[middle : middle + 2]
        )
        low, high = (low, middle) if here <= next_one else (middle + 1, high)
    return float(TEMPERATURES[low])


def negative_log_likelihood(logits: np.ndarray, labels: np.ndarray) -> float:
    largest = logits.max(axis=1, keepdims=True)
    own = np.take_along_axis(logits - largest, labels[:, None], axis=1)[:, 0]
    return float((np.log(np.exp(logits - largest).sum(axis=1)) - own).mean(dtype=np.float64))


def softmax(logits: np.ndarray) -> np.ndarray:
    """(N, C) logits to (N, C) probabilities."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
