"""The threshold of "not sure" counts hidden products, not photos, and is careful where they are few."""

import numpy as np
import pytest

from ml_training.recognizer.open_set import FEATURES, RATES, Tried, fit_weights
from ml_training.recognizer.threshold import MIN_PRODUCTS, NEVER, fit_thresholds, score_apart, student_t

RATE = (0.02,)


def shop(rng, products: int, photos: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Scores of hidden products that differ more between products than within one."""
    numbers = np.repeat(np.arange(products), photos)
    return rng.normal(size=products)[numbers] + 0.3 * rng.normal(size=len(numbers)), numbers


def unknown_named(products: int, draws: int = 300) -> float:
    """The mean share of photos of products never seen that lie above the threshold."""
    rng = np.random.default_rng(products)
    shares = []
    for _ in range(draws):
        (least,) = fit_thresholds(*shop(rng, products), RATE)
        shares.append((shop(rng, 200, 5)[0] > least).mean())
    return float(np.mean(shares))


@pytest.mark.parametrize("products", [4, 6, 12, 49, 50, 80])
def test_promise_holds_for_new_products_in_shops_of_any_size(products):
    assert unknown_named(products) <= 0.02


def test_quantile_of_the_photos_would_have_named_far_more():
    """What the bounds are for: in a shop of six products the plain quantile breaks the promise."""
    rng = np.random.default_rng(6)
    shares = []
    for _ in range(300):
        scores, _ = shop(rng, 6)
        shares.append((shop(rng, 200, 5)[0] > np.quantile(scores, 0.98)).mean())
    assert np.mean(shares) > 0.06


def test_more_products_make_it_less_careful():
    rng = np.random.default_rng(0)
    mean = {n: np.mean([fit_thresholds(*shop(rng, n), RATE)[0] for _ in range(50)]) for n in (5, 10, 40)}
    assert mean[5] > mean[10] > mean[40]


def test_more_photos_of_the_same_products_do_not():
    scores, numbers = shop(np.random.default_rng(1), 8)
    again = fit_thresholds(np.tile(scores, 10), np.tile(numbers, 10), RATES)
    np.testing.assert_allclose(again, fit_thresholds(scores, numbers, RATES), atol=1e-9)


def test_a_product_with_many_photos_weighs_what_the_others_weigh():
    rng = np.random.default_rng(2)
    scores, numbers = shop(rng, 60, 5)
    low = scores.min() - 1
    many, of_one = np.concatenate([scores, np.full(5000, low)]), np.concatenate([numbers, np.full(5000, 60)])
    once, alone = np.append(scores, low), np.append(numbers, 60)
    assert fit_thresholds(many, of_one, RATE) == pytest.approx(fit_thresholds(once, alone, RATE))


def test_stricter_rates_have_higher_thresholds():
    for products in (4, 9, 15, 70):
        found = fit_thresholds(*shop(np.random.default_rng(products), products), RATES)
        assert list(found) == sorted(found, reverse=True)


def test_too_few_products_name_nothing():
    scores, numbers = shop(np.random.default_rng(3), MIN_PRODUCTS - 1)
    assert set(fit_thresholds(scores, numbers, RATES)) == {NEVER}
    assert set(fit_thresholds(scores[:0], numbers[:0], RATES)) == {NEVER}


def test_hidden_products_are_scored_by_weights_that_did_not_see_them():
    """Where a feature tells only these very products apart, they score higher once they are left out."""
    rng = np.random.default_rng(4)
    known = Tried(rng.normal(size=(200, FEATURES)) + 0.3, np.arange(200) // 5)
    unknown = Tried(rng.normal(size=(40, FEATURES)), np.arange(40) // 5)
    seen = unknown.features @ fit_weights(known, unknown)
    apart = score_apart(known, unknown)
    assert apart.shape == seen.shape
    assert apart.mean() > seen.mean()
    np.testing.assert_array_equal(apart, score_apart(known, unknown))


def test_one_hidden_product_has_nothing_to_be_left_out_for():
    rng = np.random.default_rng(5)
    known = Tried(rng.normal(size=(50, FEATURES)) + 1, np.arange(50) // 5)
    unknown = Tried(rng.normal(size=(20, FEATURES)), np.zeros(20, np.int64))
    assert np.isfinite(score_apart(known, unknown)).all()


@pytest.mark.parametrize(
    ("share", "freedom", "value"),
    [(0.975, 10, 2.228), (0.99, 3, 4.541), (0.995, 5, 4.032), (0.99, 30, 2.457), (0.995, 3, 5.841)],
)
def test_students_t_is_as_in_the_tables(share, freedom, value):
    assert student_t(share, freedom) == pytest.approx(value, rel=0.03)
