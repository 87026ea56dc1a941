"""From which score on an answer is given, so that few photos of unknown products are named.

The products that were hidden are a small sample of those that a shop does not have: what counts is how many
products there were, not how many photos.
"""

from statistics import NormalDist

import numpy as np

from ml_training.recognizer.open_set import Tried, fit_weights

MIN_PRODUCTS = 4  # hidden ones, or their spread says nothing
PARTS = 4
DRAWS = 200  # draws of products by lot
SURE = 0.9  # share of the draws that a threshold must hold for
NEVER = float(np.finfo(np.float32).max)


def score_apart(known: Tried, unknown: Tried) -> np.ndarray:
    """Score photos of hidden products by weights that were fitted without these products.

    Args:
        known: photos whose product was there, at least one.
        unknown: photos whose product was hidden, (U,).
    Returns:
        (U,) float64 on the scale of `fit_weights(known, unknown)`, which knows all of them.
    """
    all_weights = fit_weights(known, unknown)
    centre, scale = _centre_and_scale(known, all_weights)
    scores = unknown.features @ all_weights
    names = np.random.default_rng(len(known.features)).permutation(np.unique(unknown.products))
    for part in np.array_split(names, min(PARTS, len(names))):
        in_part = np.isin(unknown.products, part)
        if in_part.all():
            break
        weights = fit_weights(known, unknown.only(~in_part))
        off, size = _centre_and_scale(known, weights)
        scores[in_part] = (unknown.features[in_part] @ weights - off) / size * scale + centre
    return scores


def fit_thresholds(scores: np.ndarray, products: np.ndarray, rates: tuple[float, ...]) -> tuple[float, ...]:
    """The scores above which at most these shares of the photos of another unknown product should lie.

    One bound draws the hidden products anew by lot, each weighing the same, and holds for nine draws in ten.
    Where they are so few that the highest score seen says nothing of a rate, there is a second: it takes
    products' scores for normal, and says where those of one more may lie. The higher one counts.

    Args:
        scores: (U,) of photos of hidden products.
        products: (U,) int64, which product each shows.
        rates: shares in (0, 1).
    Returns:
        One for each rate; NEVER for all of them where fewer than MIN_PRODUCTS were hidden.
    """
    _, number = np.unique(products, return_inverse=True)
    if not len(scores) or number.max() + 1 < MIN_PRODUCTS:
        return (NEVER,) * len(rates)
    by_rate = dict(zip(rates, _drawn(scores, number, rates), strict=True))
    for rate in rates:
        if rate * (number.max() + 1) < 1:
            by_rate[rate] = max(by_rate[rate], _of_one_more(scores, number, rate))
    return tuple(by_rate.values())


def _drawn(scores: np.ndarray, number: np.ndarray, rates: tuple[float, ...]) -> list[float]:
    counts, order = np.bincount(number), np.argsort(scores)
    number, ordered, products = number[order], scores[order], len(counts)
    draws = np.random.default_rng(products).multinomial(products, np.full(products, 1 / products), DRAWS)
    quantiles = np.empty((DRAWS, len(rates)))
    for row, times in enumerate(draws):
        share = np.cumsum((times / counts)[number]) / products  # (U,) of the photos, up to each score
        places = np.searchsorted(share, 1 - np.array(rates) - 1e-9)
        quantiles[row] = ordered[np.minimum(places, len(ordered) - 1)]
    return np.quantile(quantiles, SURE, axis=0).tolist()


def _of_one_more(scores: np.ndarray, number: np.ndarray, rate: float) -> float:
    counts = np.bincount(number)
    means = np.bincount(number, weights=scores) / counts
    within = (np.bincount(number, weights=(scores - means[number]) ** 2) / counts).mean()
    spread = np.sqrt(means.var(ddof=1) * (1 + 1 / len(means)) + within)
    share = 1 - rate / 4  # measured: scores have longer tails than normal ones
    return float(means.mean() + student_t(share, len(means) - 1) * spread)


def student_t(share: float, freedom: int) -> float:
    """The value that this share of Student's t distribution lies below, within 3 % from 3 degrees of freedom.

    Source: Abramowitz & Stegun 1964, "Handbook of Mathematical Functions", 26.7.5.
    """
    z = NormalDist().inv_cdf(share)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return sum(term / freedom**power for power, term in enumerate(terms))


def _centre_and_scale(known: Tried, weights: np.ndarray) -> tuple[float, float]:
    scores = known.features @ weights
    centre = float(known.weights @ scores)
    return centre, float(np.sqrt(known.weights @ (scores - centre) ** 2)) + 1e-9
