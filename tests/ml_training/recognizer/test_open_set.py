"""Known products get a name, unknown ones do not, and what cannot be known is said."""

import numpy as np
import pytest

from ml_training.recognizer.covariance import Scatter
from ml_training.recognizer.head import Discriminant, fit_discriminant
from ml_training.recognizer.open_set import FEATURES, RATES, Plane, Tried, fit_weights
from ml_training.recognizer.train import fit_model
from tests.support.vectors import Sample, easy_sample


@pytest.fixture(scope="module")
def shop():
    """A head that knows the first 9 of 12 products, and new photos of all 12."""
    sample, new = easy_sample(products=12, photos=10), easy_sample(products=12, photos=10, seed=1)
    known = sample.labels < 9
    fitted = fit_model(sample.vectors[known], sample.labels[known], lambda: None)
    head, metrics = fitted.head, fitted.metrics
    scores = head.open_set.scores(new.vectors, head.logits(new.vectors) * head.temperature)
    return head, metrics, scores, new.labels < 9


def discriminant(sample: Sample) -> Discriminant:
    return fit_discriminant(Scatter(sample.vectors, sample.labels))


def test_places_have_the_distances_that_the_space_has():
    """In the plane of the means all distances between means are what they are outside of it."""
    sample = easy_sample(products=6, photos=5)
    fitted = discriminant(sample)
    means = np.stack([sample.vectors[sample.labels == label].mean(axis=0) for label in range(6)])
    placed = Plane(fitted.between).place(fitted.head.logits(means))
    np.testing.assert_allclose(placed.distances, fitted.between, rtol=1e-3, atol=fitted.between.max() * 1e-4)


def test_distance_from_the_own_product_is_the_one_that_logits_compare():
    sample = easy_sample(products=4, photos=5)
    fitted = discriminant(sample)
    logits = fitted.head.logits(sample.vectors)
    first, second = np.zeros(20, np.int64), np.ones(20, np.int64)
    farther = fitted.distances_to_own(sample.vectors, second) - fitted.distances_to_own(sample.vectors, first)
    np.testing.assert_allclose(farther, 2 * (logits[:, 0] - logits[:, 1]), rtol=1e-3, atol=1e-2)


def test_distances_of_many_photos_are_rough_each_and_right_on_average():
    sample = easy_sample(products=6, photos=40, size=300)
    fitted = discriminant(sample)
    one_by_one = [
        fitted.distances_to_own(sample.vectors[row, None], sample.labels[row, None])[0]
        for row in range(len(sample.labels))
    ]
    shares = fitted.distances_to_own(sample.vectors, sample.labels) / one_by_one
    assert 0.05 < shares.std() < 0.2
    assert abs(shares.mean() - 1) < 0.03


def test_known_products_score_higher_than_unknown_ones(shop):
    _, _, scores, known = shop
    assert np.median(scores[known]) > scores[~known].max()


def test_few_unknown_photos_are_named_and_the_choice_decides_how_few(shop):
    head, _, scores, known = shop
    named = [(scores > head.open_set.threshold(rate)) for rate in RATES]
    assert named[RATES.index(0.02)][~known].mean() <= 0.1  # 30 photos
    assert named[RATES.index(0.02)][known].mean() >= 0.5
    shares = [part.mean() for part in named]
    assert shares == sorted(shares)


def test_rate_between_two_has_a_threshold_between_theirs(shop):
    open_set = shop[0].open_set
    assert [open_set.threshold(rate) for rate in RATES] == list(open_set.thresholds)
    assert open_set.threshold(0.05) < open_set.threshold(0.03) < open_set.threshold(0.02)
    assert open_set.threshold(0.0001) == open_set.thresholds[0]


def test_fewer_products_that_may_be_answered_ask_for_less(shop):
    open_set = shop[0].open_set
    assert open_set.threshold(0.02, answered=0.4) == pytest.approx(open_set.threshold(0.05))
    assert open_set.threshold(0.02, answered=0.01) == pytest.approx(open_set.thresholds[-1])


def test_coverage_says_how_many_known_photos_get_a_name(shop):
    _, metrics, _, _ = shop
    shares = [metrics["coverage"][str(rate)] for rate in RATES]
    assert shares == sorted(shares)
    assert shares[0] >= 0
    assert shares[-1] <= 1


def test_weights_tell_two_clouds_apart():
    rng = np.random.default_rng(0)
    known = Tried(rng.normal(1, 1, (200, FEATURES)), np.zeros(200, np.int64))
    unknown = Tried(rng.normal(-1, 1, (50, FEATURES)), np.zeros(50, np.int64))
    weights = fit_weights(known, unknown)
    scores, strange = known.features @ weights, unknown.features @ weights
    assert (scores[:, None] > strange).mean() > 0.95


def test_product_with_many_like_photos_weighs_what_the_others_weigh():
    """A thousand crops of one photo are no thousand reasons."""
    rng = np.random.default_rng(1)
    known, unknown = (rng.normal(mean, 1, (60, FEATURES)) for mean in (0.5, -0.5))
    products = np.arange(60) // 3
    more = np.concatenate([known, np.tile(known[:3], (300, 1))])
    of_one = np.concatenate([products, np.zeros(900, np.int64)])
    weights = fit_weights(Tried(known, products), Tried(unknown, products))
    skewed = fit_weights(Tried(more, of_one), Tried(unknown, products))
    cosine = weights @ skewed / np.linalg.norm(weights) / np.linalg.norm(skewed)
    assert cosine > 0.99
