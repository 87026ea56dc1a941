"""The head: what it promises, whatever formula fits it."""

import numpy as np
import pytest

from ml_training.recognizer.head import Head, TooFewProducts, fit_head
from tests.support.vectors import easy_sample


def accuracy(head: Head, sample) -> float:
    return float((head.logits(sample.vectors).argmax(axis=1) == sample.labels).mean())


@pytest.mark.parametrize("photos", [1, 2, 8])
def test_products_that_lie_apart_are_told_apart_on_new_photos(photos):
    sample = easy_sample(photos=photos)
    head = fit_head(sample.vectors, sample.labels)
    assert accuracy(head, easy_sample(photos=20, seed=1)) >= 0.95


def test_more_photos_of_hard_products_make_a_better_head():
    new = easy_sample(photos=40, noise=1.2, seed=1)
    few, many = (
        fit_head(sample.vectors, sample.labels)
        for sample in (easy_sample(photos=1, noise=1.2), easy_sample(photos=30, noise=1.2))
    )
    assert accuracy(many, new) > accuracy(few, new)


def test_head_has_a_row_for_each_product():
    sample = easy_sample(products=5, size=32)
    head = fit_head(sample.vectors, sample.labels)
    assert (head.weights.shape, head.bias.shape) == ((5, 32), (5,))
    assert head.weights.dtype == head.bias.dtype == np.float32
    assert head.logits(sample.vectors[:7]).shape == (7, 5)
    assert head.logits(sample.vectors).dtype == np.float32
    assert np.isfinite(head.weights).all()
    assert np.isfinite(head.bias).all()


def test_same_photos_give_the_same_head_to_the_bit():
    sample = easy_sample()
    first, again = (fit_head(sample.vectors.copy(), sample.labels.copy()) for _ in range(2))
    assert first.weights.tobytes() == again.weights.tobytes()
    assert first.bias.tobytes() == again.bias.tobytes()


def test_order_of_the_photos_does_not_matter():
    sample = easy_sample()
    order = np.random.default_rng(1).permutation(len(sample.labels))
    head = fit_head(sample.vectors, sample.labels)
    shuffled = fit_head(sample.vectors[order], sample.labels[order])
    new = easy_sample(seed=1).vectors
    np.testing.assert_allclose(head.logits(new), shuffled.logits(new), rtol=1e-3, atol=1e-2)


def test_product_with_many_photos_is_not_preferred():
    """How often a product was photographed says nothing about how often it is sold."""
    sample = easy_sample(products=2, photos=60, noise=1.5)
    kept = np.concatenate([np.arange(60), np.arange(60, 66)])
    head = fit_head(sample.vectors[kept], sample.labels[kept])
    answers = head.logits(easy_sample(products=2, photos=200, noise=1.5, seed=1).vectors).argmax(axis=1)
    assert 0.35 < answers.mean() < 0.65


def test_input_is_not_changed():
    sample = easy_sample()
    before = sample.vectors.copy()
    fit_head(sample.vectors, sample.labels)
    np.testing.assert_array_equal(sample.vectors, before)


@pytest.mark.parametrize("labels", [[], [0], [0, 0, 0]])
def test_fewer_than_two_products_are_refused(labels):
    vectors = easy_sample().vectors[: len(labels)]
    with pytest.raises(TooFewProducts, match="two products"):
        fit_head(vectors, np.array(labels, np.int64))


def test_photos_that_are_all_alike_still_make_a_head():
    vectors = np.tile(easy_sample().vectors[:1], (4, 1))
    head = fit_head(vectors, np.array([0, 0, 1, 1], np.int64))
    assert np.isfinite(head.logits(vectors)).all()


def test_temperature_divides_the_logits():
    sample = easy_sample()
    head = fit_head(sample.vectors, sample.labels)
    cool = Head(head.weights, head.bias, temperature=head.temperature * 2)
    np.testing.assert_allclose(cool.logits(sample.vectors) * 2, head.logits(sample.vectors), rtol=1e-5)
