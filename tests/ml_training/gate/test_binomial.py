"""Tails of the binomial distribution, for counts of any size."""

import math
from fractions import Fraction

import pytest

from ml_training.gate.binomial import binomial_tail


def exact(wrong: int, count: int, usual: Fraction) -> float:
    terms = (math.comb(count, k) * usual**k * (1 - usual) ** (count - k) for k in range(wrong, count + 1))
    return float(sum(terms))


@pytest.mark.parametrize("usual", [Fraction(1, 40), Fraction(3, 100), Fraction(1, 2)])
@pytest.mark.parametrize(
    ("wrong", "count"), [(0, 5), (1, 1), (1, 40), (2, 7), (3, 7), (7, 7), (20, 40), (12, 400)]
)
def test_it_is_the_sum_of_the_terms(wrong, count, usual):
    assert binomial_tail(wrong, count, float(usual)) == pytest.approx(exact(wrong, count, usual), rel=1e-9)


def test_large_catalogues_are_no_trouble():
    assert binomial_tail(400, 2640, 0.03) < 1e-100
    assert binomial_tail(9_000, 50_000, 0.17) < 1e-8
    assert binomial_tail(8_000, 50_000, 0.17) == pytest.approx(1, abs=1e-8)
