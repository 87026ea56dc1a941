"""Probabilities mean what they say."""

import numpy as np
import pytest

from ml_training.recognizer.calibration import (
    LIST_HOLDS,
    WHOLE_LIST,
    fit_list_gap,
    fit_temperature,
    softmax,
    usual_temperature,
)


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
    temperature = fit_temperature(logits * np.float32(factor), labels, usual=1.0)
    assert temperature == pytest.approx(factor, rel=0.15)


def test_fitted_temperature_is_no_worse_than_none():
    logits, labels = says_what_it_means(confidence=2.0)
    logits *= 3
    temperature = fit_temperature(logits, labels, usual=1.0)
    assert negative_log_likelihood(logits / temperature, labels) < negative_log_likelihood(logits, labels)


def test_same_photos_give_the_same_temperature():
    logits, labels = says_what_it_means(confidence=1.0, count=200)
    assert fit_temperature(logits, labels, usual=1.0) == fit_temperature(
        logits.copy(), labels.copy(), usual=1.0
    )


def test_no_photo_held_out_gives_what_is_usual():
    assert fit_temperature(np.zeros((0, 3), np.float32), np.zeros(0, np.int64), usual=70.0) == 70.0


def test_more_photos_a_product_usually_make_surer():
    assert usual_temperature(1) > 3 * usual_temperature(10) > 3 * usual_temperature(100) > 0


@pytest.mark.parametrize("right", [True, False])
def test_photos_that_are_all_right_or_all_wrong_make_nothing_certain(right):
    """Six photos cannot tell that one in a hundred is wrong."""
    logits = np.tile(np.float32([[900, 0, 0], [0, 500, 0], [0, 0, 200]]), (2, 1))
    labels = np.array([0, 1, 2] * 2 if right else [1, 2, 0] * 2)
    probabilities = softmax(logits / np.float32(fit_temperature(logits, labels, usual=70.0)))
    assert np.isfinite(probabilities).all()
    assert probabilities[2].max() < 0.99


def test_many_photos_outweigh_what_is_usual():
    logits, labels = says_what_it_means(confidence=2.0)
    assert fit_temperature(logits, labels, usual=70.0) == pytest.approx(1.0, rel=0.15)


def test_gap_of_short_lists_holds_the_right_answer_of_most():
    logits, labels = says_what_it_means(2.0)
    gap = fit_list_gap(logits, labels)
    new, shown = says_what_it_means(2.0, seed=1)
    behind = new.max(axis=1) - new[np.arange(len(shown)), shown]
    assert LIST_HOLDS - 0.01 < (behind <= gap).mean() < LIST_HOLDS + 0.01


def test_gap_is_no_shorter_where_photos_are_few_and_whole_where_they_are_too_few():
    logits, labels = says_what_it_means(2.0)
    few = fit_list_gap(logits[:60], labels[:60])
    behind = logits[:60].max(axis=1) - logits[np.arange(60), labels[:60]]
    assert (behind <= few).mean() >= LIST_HOLDS
    assert fit_list_gap(logits[:10], labels[:10]) == WHOLE_LIST
    assert fit_list_gap(logits[:0], labels[:0]) == WHOLE_LIST


def test_gap_counts_products_alike():
    """A product of many photos, all right, does not hide that another one is never right at once."""
    logits = np.zeros((1020, 2), np.float32)
    labels = np.repeat([0, 1], [1000, 20])
    logits[:, 0] = 3.0
    assert fit_list_gap(logits, labels) in {3.0, WHOLE_LIST}
