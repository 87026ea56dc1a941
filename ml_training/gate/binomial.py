"""How likely it is that chance alone makes so many of some photos wrong."""

import math
from collections.abc import Iterable


def binomial_tail(wrong: int, count: int, usual: float) -> float:
    """The chance that at least so many are wrong where each of `count` is with the chance `usual`, in (0, 1).

    Counts may be of any size: terms of the binomial distribution are added from the nearest outwards.
    """
    if wrong <= 0:
        return 1.0
    odds = usual / (1 - usual)
    if wrong > count * usual:
        ratios = ((count - k) / (k + 1) * odds for k in range(wrong, count))
        return _sum(_term(wrong, count, usual), ratios)
    ratios = (k / (count - k + 1) / odds for k in range(wrong - 1, 0, -1))
    return 1 - _sum(_term(wrong - 1, count, usual), ratios)


def _term(wrong: int, count: int, usual: float) -> float:
    ways = math.lgamma(count + 1) - math.lgamma(wrong + 1) - math.lgamma(count - wrong + 1)
    return math.exp(ways + wrong * math.log(usual) + (count - wrong) * math.log1p(-usual))


def _sum(term: float, ratios: Iterable[float]) -> float:
    total = term
    for ratio in ratios:
        term *= ratio
        total += term
        if term < 1e-12 * total:
            break
    return total
