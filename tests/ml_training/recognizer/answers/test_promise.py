"""Names are given from the lowest score on that keeps the promise, by simulated shops and own trials."""

import numpy as np
import pytest

from ml_training.recognizer.answers.promise import (
    AIMED_FOREIGN_NAMED,
    CHOICES,
    MAX_FOREIGN_NAMED,
    NEVER,
    VIEWS,
    Learned,
    fit_thresholds,
    lowest_within,
    measure_curves,
    shipped,
)
from ml_training.recognizer.answers.score import FEATURES, TERMS, Score

# Shares by score: of known photos named, of these right, of foreign ones named.
CURVES = np.array([[1.0, 0.8, 0.6, 0.3, 0.1], [0.8, 0.75, 0.59, 0.3, 0.1], [0.9, 0.3, 0.08, 0.01, 0.0]])
SCORES = np.arange(5.0)


@pytest.fixture
def learned() -> Learned:
    kinds = np.log([[10, 5], [20, 20]])
    curves = {views: np.stack([CURVES, CURVES]) for views in VIEWS}
    score = Score(np.zeros(FEATURES), np.ones(FEATURES), np.zeros(TERMS), 0.0)
    return Learned(score, (1.0, 0.0), SCORES, kinds, curves)


@pytest.mark.parametrize(
    ("wrong", "foreign", "place"), [(0.05, 0.05, 2), (0.02, 0.05, 3), (0.001, 0.05, 4), (0.5, 0.05, 2)]
)
def test_lowest_score_that_keeps_the_promise(wrong, foreign, place):
    assert lowest_within(CURVES, wrong, foreign) == place
    named, right, foreign_named = CURVES[:, place]
    given = (1 - foreign) * named + foreign * foreign_named
    assert (1 - foreign) * (named - right) + foreign * foreign_named <= wrong * given
    assert foreign_named <= AIMED_FOREIGN_NAMED < MAX_FOREIGN_NAMED


def test_where_no_score_keeps_it_nothing_is_named():
    assert lowest_within(np.array([[0.5, 0.1], [0.3, 0.05], [0.5, 0.4]]), 0.02, 0.05) is None


def test_curves_count_what_lies_above():
    scores, right = np.array([0.5, 1.5, 2.5, 2.5]), np.array([True, False, True, True])
    share = np.array([0.25, 0.25, 0.25, 0.25])
    curves = measure_curves((scores, right, share), (np.array([1.5]), np.ones(1)), np.array([0.0, 1.0, 2.0]))
    np.testing.assert_allclose(curves, [[1, 0.75, 0.5], [0.75, 0.5, 0.5], [1, 1, 0]])


def test_shop_that_is_as_usual_takes_what_is_usual(learned):
    thresholds, told = fit_thresholds(learned, 10, 5, CURVES)
    assert thresholds.named.keys() == set(CHOICES)
    assert thresholds.named[0.02, 0.05, 1] == 3.0
    assert told["0.02,0.05"] == 0.3
    assert thresholds.unknown_below == 0.0


def test_without_trials_nothing_is_named_and_nothing_told(learned):
    thresholds, told = fit_thresholds(learned, 10, 5, None)
    assert set(thresholds.named.values()) == {NEVER}
    assert thresholds.unknown_below == -NEVER
    assert told == {}


def test_own_trials_count_the_more_products_there_are(learned):
    """Foreign photos are named far more often in them than is usual."""
    own = CURVES.copy()
    own[2] = [1.0, 0.9, 0.8, 0.3, 0.0]
    few, many = (fit_thresholds(learned, n, 5, own)[0].named[0.02, 0.05, 1] for n in (2, 500))
    assert (few, many) == (3.0, 4.0)


def test_tuned_backbone_makes_own_trials_count_more(learned):
    own = CURVES.copy()
    own[2] = [1.0, 0.9, 0.8, 0.25, 0.0]
    frozen, tuned = (
        fit_thresholds(learned, 6, 5, own, is_tuned=tuned)[0].named[0.02, 0.05, 1] for tuned in (False, True)
    )
    assert (frozen, tuned) == (3.0, 4.0)


def test_what_is_told_is_the_lower_of_the_blend_and_of_own_trials(learned):
    own = CURVES.copy()
    own[:2] *= 0.5
    _, told = fit_thresholds(learned, 10, 5, own)
    assert told["0.02,0.05"] == 0.15


def test_promise_that_cannot_be_kept_names_nothing(learned):
    own = CURVES.copy()
    own[1] = 0.0
    thresholds, told = fit_thresholds(learned, 10_000, 5, own)
    assert set(thresholds.named.values()) == {NEVER}
    assert set(told.values()) == {0.0}


def test_shipped_curves_are_shares_that_fall_with_the_score():
    learned = shipped()
    assert (np.diff(learned.scores) > 0).all()
    for views in VIEWS:
        curves = learned.curves[views]
        assert curves.shape == (len(learned.kinds), 3, len(learned.scores))
        assert ((curves >= 0) & (curves <= 1)).all()
        assert (np.diff(curves, axis=2) <= 1e-9).all()
        assert (curves[:, 1] <= curves[:, 0] + 1e-9).all()


def test_shipped_knowledge_names_more_of_several_photos_than_of_one():
    """Another side of a product tells more; the threshold of several photos is their own."""
    learned = shipped()
    thresholds, _ = fit_thresholds(learned, 20, 20, learned.usual_curves(20, 20, 1))
    shares = [
        np.interp(thresholds.named[0.02, 0.05, views], learned.scores, learned.usual_curves(20, 20, views)[0])
        for views in VIEWS
    ]
    assert shares[-1] > shares[0]
