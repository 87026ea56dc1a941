"""Compares the files for devices with the training side on real photos, before anyone may use them."""

import numpy as np

from ml_training.recognizer.answers.promise import NEVER
from ml_training.recognizer.backbone import ExportDiffers
from ml_training.recognizer.calibration import softmax
from ml_training.recognizer.head import Head

OUTPUT_TOLERANCE = 1e-3  # largest difference allowed between a probability in Python and in the file
# Of a logit at the model's own temperature: so much moves a probability by OUTPUT_TOLERANCE at most.
LOGIT_TOLERANCE = 2 * OUTPUT_TOLERANCE
# Of a score, the log-odds of a right answer: so much moves the chance by little more than a hundredth, and
# thresholds lie 0.15 apart or more. In float32 alone it was off by 0.006 at most (docs/model-files.md).
SCORE_TOLERANCE = 0.05


def check_output(
    model: bytes, head_file: bytes, head: Head, pixels: np.ndarray, vectors: np.ndarray
) -> float:
    """Compare `model.onnx` and `head.onnx` with the training side on photos, alone and taken together.

    Where scores and logits differ by no more than this, so do the answers: another kind of answer takes a
    score that is as near to a threshold, another first product a logit as near to the first.

    Args:
        pixels: (N, V, side, side, 3) uint8.
        vectors: (N, D) float32, the vectors the training side has of these photos.
    Returns:
        The largest difference of any probability.
    Raises:
        ExportDiffers: something differs by more than it may.
    """
    probabilities, *answers = _run(model, ["probabilities", "logits", "score"], {"pixels": pixels})
    difference = float(np.abs(probabilities - softmax(head.logits(vectors))).max())
    if not difference <= OUTPUT_TOLERANCE:
        raise ExportDiffers("model", difference)
    _check_answers("model", answers, head, vectors)
    shown = np.concatenate([vectors, vectors.mean(axis=0, keepdims=True)])
    _check_answers("head", _run(head_file, ["logits", "score"], {"vectors": shown}), head, shown)
    return difference


def _run(file: bytes, outputs: list[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return session.run(outputs, given)


def _check_answers(what: str, answers: list[np.ndarray], head: Head, vectors: np.ndarray) -> None:
    logits, scores = answers
    expected = head.logits(vectors)  # (N, C), temperature applied
    difference = float(np.abs(logits / np.float32(head.temperature) - expected).max())
    if not difference <= LOGIT_TOLERANCE:
        raise ExportDiffers(what, difference)
    expected_scores = np.full(len(vectors), -NEVER)
    if head.open_set is not None:
        expected_scores = head.open_set.scores(vectors, expected * np.float32(head.temperature))
    difference = float(np.abs(scores - expected_scores).max())
    if not difference <= SCORE_TOLERANCE:
        raise ExportDiffers(what, difference)
