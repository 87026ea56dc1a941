"""A score is linear in standardised features and in the products of most of them."""

import numpy as np
import pytest

from ml_training.recognizer.answers.score import BOUND, FEATURES, PAIRED, TERMS, Score, terms

CENTRE, SCALE = np.arange(FEATURES, dtype=float), np.full(FEATURES, 2.0)


def at(**standard: float) -> np.ndarray:
    """(1, FEATURES) features that are 0 when standardised, but for some, named f0 to f8."""
    features = CENTRE.copy()
    for name, value in standard.items():
        features[int(name[1:])] += 2.0 * value
    return features[None]


def test_terms_are_features_and_products_of_two():
    found = terms(at(f0=2.0, f3=-1.5, f8=1.0), CENTRE, SCALE)[0]
    assert found.shape == (TERMS,) == (FEATURES + PAIRED * (PAIRED + 1) // 2,)
    assert sorted(found[found != 0].tolist()) == [-3.0, -1.5, 1.0, 2.0, 2.25, 4.0]


def test_far_away_products_grow_no_more_and_features_do():
    near, far = (terms(at(f2=value), CENTRE, SCALE)[0] for value in (BOUND, 10 * BOUND))
    np.testing.assert_array_equal(near[FEATURES:], far[FEATURES:])
    assert far[2] == 10 * near[2]


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_score_of_any_number_of_answers(rows):
    weights = np.random.default_rng(0).normal(size=TERMS)
    features = np.random.default_rng(1).normal(size=(rows, FEATURES))
    found = Score(CENTRE, SCALE, weights, 0.5).of(features)
    np.testing.assert_allclose(found, terms(features, CENTRE, SCALE) @ weights + 0.5)
