"""What more photos are expected to bring: the most where most is wrong and few are there."""

import numpy as np
import pytest

from ml_training.recognizer.learning_curve import expected_errors, expected_gains


def gains(*products: tuple[int, int, int]) -> list[float]:
    return expected_gains(*np.array(products, float).T).tolist()


def test_product_that_is_often_wrong_gains_more_than_one_that_is_right():
    bad, good = gains((10, 10, 4), (10, 10, 10))
    assert bad > good > 0


def test_product_with_few_photos_gains_more():
    few, many = gains((4, 4, 2), (40, 40, 20))
    assert few > many


def test_product_without_photos_gains_most():
    none, bad, good = gains((0, 0, 0), (5, 5, 1), (20, 20, 20))
    assert none > bad > good


def test_one_unlucky_photo_does_not_condemn_a_product():
    errors = expected_errors(*np.array([(2, 1, 0), *[(30, 30, 29)] * 9], float).T)
    assert errors[0] < 0.6


@pytest.mark.parametrize("products", [[(0, 0, 0)], [(1, 0, 0), (1, 0, 0)], [(0, 0, 0), (9, 9, 9)]])
def test_gains_are_shares_whatever_is_known(products):
    assert all(0 <= gain <= 1 for gain in gains(*products))
