"""Known products get a name, unknown ones do not, and what cannot be known is said."""

import numpy as np
import pytest

from ml_training.recognizer.answers.open_set import (
    Plane,
    Spread,
    Tried,
    features,
    squared_distances,
)
from ml_training.recognizer.answers.promise import FOREIGN, WRONG
from ml_training.recognizer.answers.score import FEATURES
from ml_training.recognizer.covariance import Scatter
from ml_training.recognizer.head import Discriminant, fit_discriminant
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


def test_known_photos_get_names_and_unknown_ones_hardly(shop):
    head, _, scores, known = shop
    named = scores > head.open_set.thresholds.named[0.02, 0.05, 1]
    assert named[~known].mean() <= 0.1  # 30 photos
    assert named[known].mean() >= 0.5


def test_careful_choice_names_no_more(shop):
    thresholds = shop[0].open_set.thresholds.named
    by_wrong = [thresholds[wrong, 0.05, 1] for wrong in WRONG]
    assert by_wrong == sorted(by_wrong, reverse=True)
    by_foreign = [thresholds[0.02, foreign, 1] for foreign in FOREIGN]
    assert by_foreign == sorted(by_foreign)


def test_coverage_is_told_for_every_choice(shop):
    coverage = shop[1]["coverage"]
    assert coverage.keys() == {f"{wrong},{foreign}" for wrong in WRONG for foreign in FOREIGN}
    shares = [coverage[f"{wrong},0.05"] for wrong in WRONG]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


def test_confidence_is_a_chance_that_grows_with_the_score(shop):
    head, _, scores, known = shop
    confidence = head.open_set.confidence(scores)
    assert ((confidence >= 0) & (confidence <= 1)).all()
    assert np.array_equal(np.argsort(scores, kind="stable"), np.argsort(confidence, kind="stable"))
    assert confidence[known].mean() > confidence[~known].mean()


@pytest.mark.parametrize("photos", [1, 2])
def test_photos_that_were_learned_are_scored_alike_by_whoever_rounds_otherwise(photos):
    """The only photo of a product lies on its mean: what float32 leaves of the distance is noise."""
    sample = easy_sample(products=6, photos=photos, size=300)
    head = fit_model(sample.vectors, sample.labels, lambda: None).head
    logits = head.logits(sample.vectors) * np.float32(head.temperature)
    scores = head.open_set.scores(sample.vectors, logits)
    rounded = np.nextafter(logits, np.float32(np.inf)), np.nextafter(logits, np.float32(-np.inf))
    for other in (*rounded, np.where(np.arange(6) % 2, *rounded)):
        np.testing.assert_allclose(head.open_set.scores(sample.vectors, other), scores, atol=0.01)


def test_features_say_how_many_products_there_are_and_how_many_photos():
    sample = easy_sample(products=6, photos=5)
    fitted = discriminant(sample)
    ones = np.ones(6, np.float32)
    found = features(
        Plane(fitted.between).place(fitted.head.logits(sample.vectors)),
        squared_distances(sample.vectors, fitted.means),
        Spread(ones, ones, 5 * ones),
    )
    assert found.shape == (30, FEATURES)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[:, 7:], np.log([[5, 6]] * 30))
    assert (found[:, 6] <= 0).all()  # a logarithm of a probability


def test_photos_weigh_so_that_products_weigh_alike():
    tried = Tried(np.zeros((4, FEATURES)), np.array([3, 3, 3, 7]), np.ones(4, bool))
    np.testing.assert_allclose(tried.weights, [1 / 6, 1 / 6, 1 / 6, 1 / 2])
