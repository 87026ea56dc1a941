"""Photos are judged by heads that did not see them."""

import numpy as np
import pytest

from ml_training.recognizer.evaluation import held_out_logits
from ml_training.recognizer.fitting import fit_model
from ml_training.recognizer.head import TooFewProducts, fit_head
from tests.recognizer.conftest import easy_sample


def test_every_photo_of_a_product_with_several_is_judged_once():
    sample = easy_sample(products=4, photos=5)
    indices, logits = held_out_logits(sample.vectors, sample.labels)
    assert sorted(indices.tolist()) == list(range(20))
    assert logits.shape == (20, 4)


def test_products_that_lie_apart_are_told_apart():
    sample = easy_sample(photos=6)
    indices, logits = held_out_logits(sample.vectors, sample.labels)
    assert (logits.argmax(axis=1) == sample.labels[indices]).mean() >= 0.95


def test_photo_does_not_help_to_judge_itself():
    """Labels drawn by lot cannot be guessed; a head that saw them would know them by heart."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(120, 256)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = np.tile(np.arange(4), 30)
    assert (fit_head(vectors, labels).logits(vectors).argmax(axis=1) == labels).mean() > 0.9
    indices, logits = held_out_logits(vectors, labels)
    assert (logits.argmax(axis=1) == labels[indices]).mean() < 0.5


def test_product_with_one_photo_is_known_to_every_head_and_not_judged():
    sample = easy_sample(products=3, photos=4)
    kept = np.array([0, 4, 5, 6, 7, 8, 9, 10, 11])  # one photo of the first product
    indices, logits = held_out_logits(sample.vectors[kept], sample.labels[kept])
    assert 0 not in indices
    assert len(indices) == 8
    assert logits.shape == (8, 3)
    assert np.isfinite(logits).all()


def test_one_photo_a_product_leaves_nothing_to_judge():
    sample = easy_sample(products=5, photos=1)
    indices, logits = held_out_logits(sample.vectors, sample.labels)
    assert indices.shape == (0,)
    assert logits.shape == (0, 5)


def test_two_photos_a_product_are_judged_by_one_another():
    sample = easy_sample(products=5, photos=2)
    indices, _ = held_out_logits(sample.vectors, sample.labels)
    assert sorted(indices.tolist()) == list(range(10))


def test_same_photos_are_judged_alike():
    sample = easy_sample()
    first, again = (held_out_logits(sample.vectors, sample.labels) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


@pytest.mark.parametrize("photos", [1, 2, 8])
def test_fitted_model_is_right_and_says_so_with_a_probability(photos):
    sample, new = easy_sample(photos=photos), easy_sample(photos=10, seed=1)
    called = []
    head, figures = fit_model(sample.vectors, sample.labels, lambda: called.append(1))
    assert called == [1]
    assert (head.logits(new.vectors).argmax(axis=1) == new.labels).mean() >= 0.95
    assert head.temperature > 0
    assert isinstance(figures, dict)


def test_fitted_model_of_one_product_is_refused():
    with pytest.raises(TooFewProducts):
        fit_model(easy_sample().vectors[:3], np.zeros(3, np.int64), lambda: None)
