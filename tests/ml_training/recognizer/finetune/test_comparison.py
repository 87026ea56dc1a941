"""A tuned backbone is better only if it wins more than chance explains, on photos new to both."""

import numpy as np
import pytest

from ml_training.recognizer.finetune.comparison import Comparison, compare
from tests.support.vectors import easy_sample


def last_of_each(labels: np.ndarray, count: int) -> np.ndarray:
    unseen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        unseen[np.flatnonzero(labels == label)[-count:]] = True
    return unseen


@pytest.mark.parametrize(
    ("won", "lost", "better"), [(0, 0, False), (2, 0, False), (7, 0, True), (7, 5, False), (30, 8, True)]
)
def test_sign_test_decides(won, lost, better):
    assert Comparison(100, 0.8, 0.9, won, lost).is_better is better


def test_gain_of_less_than_a_hundredth_is_not_worth_a_switch():
    assert not Comparison(10_000, 0.8, 0.8, 40, 5).is_better


def test_clearer_vectors_are_better_and_the_same_are_not():
    blurred, clear = easy_sample(noise=3.0), easy_sample(noise=0.3)
    unseen = last_of_each(clear.labels, 4)
    found = compare(blurred.vectors, clear.vectors, clear.labels, unseen)
    assert found.is_better
    assert found.after > found.before
    assert found.photos == unseen.sum()
    assert not compare(clear.vectors, blurred.vectors, clear.labels, unseen).is_better
    same = compare(clear.vectors, clear.vectors, clear.labels, unseen, was_tuned=True)
    assert (same.won, same.lost, same.is_better) == (0, 0, False)


def test_photos_that_were_learned_decide_nothing():
    blurred = easy_sample(noise=3.0)
    flattering = blurred.vectors.copy()
    unseen = last_of_each(blurred.labels, 4)
    flattering[~unseen] = easy_sample(noise=0.05).vectors[~unseen]  # learned by heart
    found = compare(blurred.vectors, flattering, blurred.labels, unseen)
    assert found.photos == 24
    assert not found.is_better


def test_nothing_held_out_is_not_better():
    sample = easy_sample(photos=1)
    found = compare(sample.vectors, sample.vectors, sample.labels, np.zeros(6, bool))
    assert (found.photos, found.before, found.is_better) == (0, None, False)


def test_the_same_vectors_are_worse_by_a_backbone_that_had_learned_their_neighbours():
    sample = easy_sample(noise=2.0, photos=12)
    unseen = last_of_each(sample.labels, 4)
    found = compare(sample.vectors, sample.vectors, sample.labels, unseen)
    assert found.won == 0
    assert found.after <= found.before
    assert not found.is_better
