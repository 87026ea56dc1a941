"""What trials share is summed once, and comes out as if each had been summed by itself."""

import numpy as np
import pytest

from ml_training.recognizer import covariance
from ml_training.recognizer.covariance import FEW, USUAL, Looks, Sample, Scatter, rows_of_few, span_of
from ml_training.recognizer.head import fit_discriminant
from tests.support.vectors import easy_sample


def within(vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The lower triangle of the covariance within products, one photo after the other.

    What is usual counts as one photo that lies there by itself.
    """
    total = np.eye(vectors.shape[1]) * USUAL / vectors.shape[1]
    for label in np.unique(labels):
        own = vectors[labels == label].astype(np.float64)
        total += (own - own.mean(axis=0)).T @ (own - own.mean(axis=0))
    return np.tril(total / (len(labels) - len(np.unique(labels)) + 1))


def lower(covariance) -> np.ndarray:
    return np.tril(covariance.numpy())


@pytest.fixture(params=[256, 5], ids=["one block", "three blocks"])
def sample(request, monkeypatch):
    monkeypatch.setattr(covariance, "ROWS", request.param)
    return easy_sample(products=5, photos=7, size=12)


def test_covariance_of_all_photos(sample):
    scatter = Scatter(sample.vectors, sample.labels)
    np.testing.assert_allclose(lower(scatter.covariance()), within(sample.vectors, sample.labels), atol=1e-6)
    means = [sample.vectors[sample.labels == label].mean(axis=0) for label in range(5)]
    np.testing.assert_allclose(scatter.means.numpy(), means, atol=1e-6)


def test_covariance_without_what_each_trial_leaves_out(sample):
    left_out = np.random.default_rng(0).random((35, 3)) < 0.4
    left_out[sample.labels == 2, 1] = True  # a whole product
    scatter = Scatter(sample.vectors, sample.labels, left_out)
    for trial in range(3):
        kept = ~left_out[:, trial]
        expected = within(sample.vectors[kept], sample.labels[kept])
        np.testing.assert_allclose(lower(scatter.covariance_in(trial)), expected, atol=1e-6)
    np.testing.assert_allclose(lower(scatter.covariance()), within(sample.vectors, sample.labels), atol=1e-6)


def test_trial_that_leaves_nothing_out_is_all_of_it_and_one_that_leaves_nothing_is_usual(sample):
    left_out = np.stack([np.zeros(35, bool), np.ones(35, bool)], axis=1)
    scatter = Scatter(sample.vectors, sample.labels, left_out)
    np.testing.assert_allclose(lower(scatter.covariance_in(0)), lower(scatter.covariance()), atol=1e-6)
    np.testing.assert_allclose(lower(scatter.covariance_in(1)), np.eye(12) * USUAL / 12, atol=1e-6)


def test_single_photos_scatter_as_is_usual():
    sample = easy_sample(products=5, photos=1, size=12)
    covariance = Scatter(sample.vectors, sample.labels).covariance()
    np.testing.assert_allclose(lower(covariance), np.eye(12) * USUAL / 12, atol=1e-6)


def test_fitted_in_the_space_that_the_photos_span_it_is_the_same_head():
    sample = easy_sample(products=5, photos=4, size=64)
    basis = span_of(sample.vectors)
    assert basis.shape == (64, 20)
    coordinates = sample.vectors @ basis
    np.testing.assert_allclose(coordinates @ coordinates.T, sample.vectors @ sample.vectors.T, atol=1e-5)
    left_out = np.random.default_rng(0).random((20, 1)) < 0.3
    whole = Scatter(sample.vectors, sample.labels, left_out)
    part = Scatter(coordinates, sample.labels, left_out, dimensions=64)
    for trial in (None, 0):
        expected, found = fit_discriminant(whole, trial), fit_discriminant(part, trial).moved_to(basis)
        scale = np.abs(expected.head.weights).max()
        np.testing.assert_allclose(found.head.weights, expected.head.weights, atol=1e-4 * scale)
        np.testing.assert_allclose(found.head.bias, expected.head.bias, rtol=1e-3, atol=1e-4 * scale)
        np.testing.assert_allclose(found.between, expected.between, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(found.means, expected.means, atol=1e-6)


def test_many_photos_are_fitted_where_they_are():
    assert span_of(easy_sample(products=5, photos=7, size=12).vectors) is None


def some_looks(photos: np.ndarray, vectors: np.ndarray) -> Looks:
    """Four looks at each of some photos, which lie around its vector."""
    spread = np.random.default_rng(3).normal(size=(len(photos), 4, vectors.shape[1])) * 0.2
    return Looks((vectors[photos][:, None] + spread).astype(np.float32), photos)


def with_looks(vectors: np.ndarray, labels: np.ndarray, looks: Looks, kept: np.ndarray) -> np.ndarray:
    """The lower triangle of the covariance of kept photos, one look after the other."""
    learned = vectors.astype(np.float64)
    learned[looks.photos] = looks.vectors.mean(axis=1)
    total = np.eye(vectors.shape[1]) * USUAL / vectors.shape[1]
    for label in np.unique(labels[kept]):
        own = learned[kept & (labels == label)]
        total += (own - own.mean(axis=0)).T @ (own - own.mean(axis=0))
    freedom = kept.sum() - len(np.unique(labels[kept])) + 1
    for photo, seen in zip(looks.photos, looks.vectors.astype(np.float64), strict=True):
        if kept[photo]:
            total += (seen - seen.mean(axis=0)).T @ (seen - seen.mean(axis=0)) / len(seen)
            freedom += (len(seen) - 1) / len(seen)
    return np.tril(total / freedom)


def test_looks_scatter_around_their_mean_and_go_with_their_photo(sample):
    looks = some_looks(np.array([0, 1, 9, 30]), sample.vectors)
    left_out = np.zeros((35, 2), bool)
    left_out[[1, 2, 30], 0] = True
    scatter = Sample(sample.vectors, sample.labels, looks).scatter(left_out)
    for trial in range(2):
        kept = ~left_out[:, trial]
        expected = with_looks(sample.vectors, sample.labels, looks, kept)
        np.testing.assert_allclose(lower(scatter.covariance_in(trial)), expected, atol=1e-6)
    everything = with_looks(sample.vectors, sample.labels, looks, np.ones(35, bool))
    np.testing.assert_allclose(lower(scatter.covariance()), everything, atol=1e-6)


def test_head_is_the_same_in_the_space_that_photos_and_their_looks_span():
    few = easy_sample(products=4, photos=1, size=64)
    looks = some_looks(np.arange(4), few.vectors)
    narrow = Sample(few.vectors, few.labels, looks)
    assert narrow.vectors.shape == (4, 20)
    found = narrow.in_whole_space(fit_discriminant(narrow.scatter()))
    covariance = with_looks(few.vectors, few.labels, looks, np.ones(4, bool))
    covariance += np.tril(covariance, -1).T
    shrunk = 0.5 * covariance + 0.5 * np.eye(64) * np.trace(covariance) / 64
    means = looks.vectors.mean(axis=1)
    expected = np.linalg.solve(shrunk, (means - means.mean(axis=0)).T).T
    np.testing.assert_allclose(found.head.weights, expected, atol=1e-3 * np.abs(expected).max())


def test_looks_are_of_use_for_products_with_few_photos_only():
    labels = np.repeat(np.arange(3), [FEW, FEW + 1, 1])
    assert rows_of_few(labels).tolist() == [0, 1, 2, 7]
    assert rows_of_few(labels[:0]).tolist() == []


def test_looks_at_photos_that_do_not_count_are_left_out():
    looks = some_looks(np.array([0, 2, 3]), np.zeros((5, 8), np.float32))
    kept = looks.among(np.array([True, False, False, True, True]))
    assert kept.photos.tolist() == [0, 1]
    np.testing.assert_array_equal(kept.vectors, looks.vectors[[0, 2]])
