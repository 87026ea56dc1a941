"""Probabilities mean what they say."""

import numpy as np
import pytest

from ml_training.recognizer.calibration import fit_temperature, softmax


def negative_log_likelihood(logits, labels) -> float:
    return float(-np.log(softmax(logits)[np.arange(len(labels)), labels] + 1e-12).mean())


def says_what_it_means(confidence: float, count: int = 4000, classes: int = 5, seed: int = 0):
    """Logits whose probabilities are right, and labels drawn from them."""
    rng = np.random.default_rng(seed)
    logits = (rng.normal(size=(count, classes)) * confidence).astype(np.float32)
    labels = np.array([rng.choice(classes, p=row / row.sum()) for row in softmax(logits).astype(float)])
    return logits, labels


def test_softmax_gives_probabilities_in_the_order_of_the_logits():
    logits = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)
    probabilities = softmax(logits)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (probabilities > 0).all()
    np.testing.assert_array_equal(logits.argsort(axis=1), probabilities.argsort(axis=1))


def test_softmax_of_huge_logits_does_not_overflow():
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_allclose(softmax(np.float32([[1e4, 0], [-1e4, 0]])), [[1, 0], [0, 1]], atol=1e-6)


def test_softmax_knows_only_differences():
    logits = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(softmax(logits), softmax(logits + 7), rtol=1e-6)


@pytest.mark.parametrize("factor", [0.25, 1.0, 4.0])
def test_logits_that_are_too_sure_or_too_shy_are_put_right(factor):
    logits, labels = says_what_it_means(confidence=2.0)
    temperature = fit_temperature(logits * np.float32(factor), labels)
    assert temperature == pytest.approx(factor, rel=0.15)


def test_fitted_temperature_is_no_worse_than_none():
    logits, labels = says_what_it_means(confidence=2.0)
    logits *= 3
    temperature = fit_temperature(logits, labels)
    assert negative_log_likelihood(logits / temperature, labels) < negative_log_likelihood(logits, labels)


def test_same_photos_give_the_same_temperature():
    logits, labels = says_what_it_means(confidence=1.0, count=200)
    assert fit_temperature(logits, labels) == fit_temperature(logits.copy(), labels.copy())


def test_no_photo_held_out_gives_a_temperature_all_the_same():
    temperature = fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, np.int64))
    assert np.isfinite(temperature)
    assert temperature > 0


@pytest.mark.parametrize("right", [True, False])
def test_photos_that_are_all_right_or_all_wrong_give_a_usable_temperature(right):
    logits = np.float32([[9, 0, 0], [0, 9, 0], [0, 0, 9]])
    labels = np.array([0, 1, 2] if right else [1, 2, 0])
    temperature = fit_temperature(logits, labels)
    assert np.isfinite(softmax(logits / np.float32(temperature))).all()
    assert temperature > 0
