"""From vectors to a head whose probabilities can be trusted, and what is known of it.

Called by `job` and by the external trainer: both train alike.
"""

from collections.abc import Callable

import numpy as np
import torch  # noqa: F401 (loaded by those who will fit, before a run's clock starts)

from ml_training.recognizer.calibration import fit_temperature
from ml_training.recognizer.evaluation import held_out_logits
from ml_training.recognizer.head import Head, fit_head


def fit_model(
    vectors: np.ndarray, labels: np.ndarray, on_evaluating: Callable[[], object]
) -> tuple[Head, dict]:
    """Fit a head and calibrate it on photos held out.

    Args:
        vectors: (N, D) float32, L2-normalised rows.
        labels: (N,) int64, class index in [0, C), every class at least once.
        on_evaluating: called between fitting and evaluating.
    Returns:
        The head, and JSON-serialisable figures for its metadata.
    Raises:
        TooFewProducts: C < 2.
    """
    head = fit_head(vectors, labels)
    on_evaluating()
    held, logits = held_out_logits(vectors, labels)
    temperature = fit_temperature(logits, labels[held])
    return Head(head.weights, head.bias, temperature), {"photos_held_out": len(held)}
