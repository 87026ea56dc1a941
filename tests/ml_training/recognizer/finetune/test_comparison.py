"""A tuned backbone takes over if the right products become more probable and no loss is to be feared."""

import math

import numpy as np
import pytest

from ml_training.recognizer.finetune.comparison import RULES, compare, weigh
from tests.support.vectors import easy_sample

PRODUCTS, PHOTOS = 30, 8
LABELS = np.repeat(np.arange(PRODUCTS), PHOTOS)
USUAL = 1.0


def last_of_each(labels: np.ndarray, count: int) -> np.ndarray:
    unseen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        unseen[np.flatnonzero(labels == label)[-count:]] = True
    return unseen


def logits(signal: float, seed: int = 0, labels: np.ndarray = LABELS, noise: float = 1.0) -> np.ndarray:
    """Of a recogniser whose right answers lie so far above the noise; a seed draws the photos."""
    drawn = np.random.default_rng(seed).normal(size=(len(labels), labels.max() + 1)) * noise
    drawn[np.arange(len(labels)), labels] += signal
    return drawn.astype(np.float32)


def wrong(of: np.ndarray, rows: list[int]) -> np.ndarray:
    """The same, but for the first answers of some photos, which just miss the right product."""
    changed = of.copy()
    for row in rows:
        other = (LABELS[row] + 1) % PRODUCTS
        changed[row, other] = changed[row].max() + 0.01
    return changed


def test_clearer_answers_take_over_and_the_same_or_weaker_ones_do_not():
    weak, strong = logits(2.5), logits(3.5)
    better = weigh(weak, strong, LABELS, USUAL)
    assert better.is_better
    assert better.won > better.lost
    assert better.after > better.before
    assert better.photos == len(LABELS)
    assert not weigh(strong, weak, LABELS, USUAL).is_better
    same = weigh(weak, weak, LABELS, USUAL)
    assert (same.won, same.lost, same.is_better) == (0, 0, False)


def test_answers_on_another_scale_are_neither_better_nor_worse():
    """Temperatures are fitted, so that logits ten times as large say nothing new."""
    assert abs(weigh(logits(2.5), 10 * logits(2.5), LABELS, USUAL).least_clearer) < 0.01


def test_chance_seldom_takes_over():
    taken = [weigh(logits(2.5, 2 * n), logits(2.5, 2 * n + 1), LABELS, USUAL).is_better for n in range(100)]
    assert sum(taken) <= 5


def test_loss_of_first_answers_is_not_outweighed_by_probabilities():
    """The right products become more probable, and yet are the first answer less often."""
    before = logits(3.0)
    after = before + 1.5 * np.eye(PRODUCTS, dtype=np.float32)[LABELS]
    two_each = np.flatnonzero(np.arange(len(LABELS)) % PHOTOS < 2).tolist()
    refused = weigh(before, wrong(after, two_each), LABELS, USUAL)
    assert refused.is_clearer
    assert refused.products_lost == 0
    assert not refused.is_better
    assert weigh(before, after, LABELS, USUAL).is_better


def test_one_product_that_is_lost_keeps_the_others_from_taking_over():
    before, after = logits(3.0), logits(6.0)
    own = LABELS == 4
    after[own] = before[own]
    right = np.flatnonzero(own & (before.argmax(axis=1) == LABELS)).tolist()
    assert len(right) > 4
    lost = weigh(before, wrong(after, right), LABELS, USUAL)
    assert lost.products_lost == 1
    assert lost.is_clearer
    assert lost.least_gain > 0
    assert not lost.is_better
    assert weigh(before, wrong(after, right[:4]), LABELS, USUAL).is_better  # may be chance


def test_many_photos_of_one_product_decide_no_more_than_few():
    """What is learned of one product only is no gain for a shop, however many photos show it."""
    labels = np.concatenate([np.zeros(400, np.int64), LABELS])
    before = logits(2.5, labels=labels)
    after = np.where((labels == 0)[:, None], logits(9.0, labels=labels), before)
    one_sided = weigh(before, after, labels, USUAL)
    assert one_sided.won > 30
    assert not one_sided.is_better


def test_single_photo_counts_up_to_a_bound():
    before = logits(6.0, noise=0.5)
    hopeless = before.copy()
    hopeless[3, 0] += 500
    of_hopeless = weigh(hopeless, before, LABELS, USUAL)
    assert of_hopeless.least_clearer < RULES.max_step / PRODUCTS / PHOTOS
    assert not of_hopeless.is_better


def test_few_photos_that_all_stay_as_they_are_rule_no_loss_out():
    few = np.arange(10, dtype=np.int64).repeat(2)
    assert not weigh(logits(8.0, labels=few), logits(9.0, labels=few), few, USUAL).is_safe
    many = np.arange(50, dtype=np.int64).repeat(10)
    assert weigh(logits(12.0, labels=many), logits(13.0, labels=many), many, USUAL).is_safe


@pytest.mark.parametrize("labels", [np.zeros(0, np.int64), np.zeros(5, np.int64)])
def test_fewer_than_two_products_prove_nothing(labels):
    judged = weigh(np.zeros((len(labels), 2), np.float32), np.eye(2, dtype=np.float32)[labels], labels, USUAL)
    assert judged.least_gain == -math.inf
    assert not judged.is_better


def test_clearer_vectors_are_better_and_blurred_ones_are_not():
    blurred, clear = easy_sample(products=20, noise=3.0), easy_sample(products=20, noise=0.3)
    unseen = last_of_each(clear.labels, 4)
    judged = compare(blurred.vectors, clear.vectors, clear.labels, unseen)
    assert judged.is_better
    assert judged.photos == unseen.sum()
    assert not compare(clear.vectors, blurred.vectors, clear.labels, unseen).is_better
    same = compare(clear.vectors, clear.vectors, clear.labels, unseen, was_tuned=True)
    assert (same.won, same.lost, same.is_better) == (0, 0, False)


def test_photos_that_were_learned_decide_nothing():
    blurred = easy_sample(products=20, noise=3.0)
    flattering = blurred.vectors.copy()
    unseen = last_of_each(blurred.labels, 4)
    flattering[~unseen] = easy_sample(products=20, noise=0.05).vectors[~unseen]  # learned by heart
    judged = compare(blurred.vectors, flattering, blurred.labels, unseen)
    assert judged.photos == 80
    assert not judged.is_better


def test_nothing_held_out_is_not_better():
    sample = easy_sample(photos=1)
    judged = compare(sample.vectors, sample.vectors, sample.labels, np.zeros(6, bool))
    assert (judged.photos, judged.before, judged.is_better) == (0, None, False)


def test_the_same_vectors_are_worse_by_a_backbone_that_had_learned_their_neighbours():
    sample = easy_sample(noise=2.0, photos=12)
    judged = compare(sample.vectors, sample.vectors, sample.labels, last_of_each(sample.labels, 4))
    assert judged.won == 0
    assert judged.after <= judged.before
    assert not judged.is_better
