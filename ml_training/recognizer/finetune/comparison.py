"""Decides whether a tuned backbone is better than the one before, by photos that neither has learned from."""

import math
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from ml_training.recognizer.calibration import fit_temperature, usual_temperature
from ml_training.recognizer.covariance import Scatter
from ml_training.recognizer.cross_validation import SHIFT, TUNED_SHIFT, plan_trials, run_trials


@dataclass(frozen=True)
class TakeoverRules:
    """What a tuned backbone has to show. docs/research/deep-training.md has the measurements."""

    confidence: float = 0.95  # of both lower bounds, each one-sided
    min_clearer: float = 0.0  # nats: the right products' log-likelihood must have grown by more
    max_loss: float = 0.01  # share of first answers: so large a loss must be ruled out
    # How much more or less likely one photo may say that the right product became, in nats: tenfold. More
    # would let single photos decide.
    max_step: float = math.log(10)
    product_chance: float = 0.05  # of taking noise for a loss of one product: five photos lost, none won


RULES = TakeoverRules()


@dataclass(frozen=True)
class Comparison:
    """Answers on the same photos, each by a closed-form head that was fitted without the photo.

    All means are over products, which count the same however many photos they have.
    """

    photos: int
    before: float | None  # share of first answers that was right
    after: float | None
    won: int = 0  # photos whose first answer only the tuned backbone got right
    lost: int = 0
    # Lower bounds of what is gained: mean log-likelihood of the right product in nats, and the share above.
    least_clearer: float = -math.inf
    least_gain: float = -math.inf
    products_lost: int = 0  # those that are recognised less often than chance explains

    @property
    def is_clearer(self) -> bool:
        """Whether the right products are more probable to the tuned backbone than chance explains."""
        return self.least_clearer > RULES.min_clearer

    @property
    def is_safe(self) -> bool:
        """Whether a loss that matters is ruled out, for all photos together and for each product."""
        return self.least_gain > -RULES.max_loss and not self.products_lost

    @property
    def is_better(self) -> bool:
        return self.is_clearer and self.is_safe


def compare(
    before: np.ndarray,
    after: np.ndarray,
    labels: np.ndarray,
    unseen: np.ndarray | None,
    was_tuned: bool = False,
) -> Comparison:
    """Judge two backbones by the photos that neither has learned from.

    They share bursts with photos that were learned, which flatters who has learned those: for a tuned
    backbone they are moved farther away (TUNED_SHIFT).

    Args:
        before, after: (N, D) and (N, E) float32, the vectors of the same photos.
        labels: (N,) int64, every class in [0, C) at least once.
        unseen: (N,) bool; None for all of them.
        was_tuned: whether the backbone before has learned from the other photos, too.
    """
    plan = plan_trials(labels, unseen)
    plans = replace(plan, shift=TUNED_SHIFT if was_tuned else SHIFT), replace(plan, shift=TUNED_SHIFT)
    first, second = (
        run_trials(vectors, labels, plan, Scatter(vectors, labels, plan.left_out(labels)))
        for vectors, plan in zip((before, after), plans, strict=True)
    )
    usual = usual_temperature(len(labels) / (int(labels.max()) + 1))
    # The same photos in the same order.
    return weigh(first.elsewhere(labels), second.elsewhere(labels), labels[first.held], usual)


def weigh(before: np.ndarray, after: np.ndarray, labels: np.ndarray, usual: float) -> Comparison:
    """Compare the logits of two backbones for the same photos.

    First answers alone say little: most are the same. How probable the right product is says more, once each
    backbone has the temperature that suits it. Photos of a product come in bursts and are right or wrong
    together, so that products are what is counted: the standard errors are those between products.

    Args:
        before, after: (M, C) float32, of heads that did not see the photos.
        labels: (M,) int64.
        usual: see `fit_temperature`.
    Source: paired differences with errors clustered by what belongs together, Miller 2024, "Adding Error Bars
        to Evals", with the t distribution of so many clusters, Cameron & Miller 2015, "A Practitioner's Guide
        to Cluster-Robust Inference"; one change of an answer more than was seen, half won and half lost,
        Agresti & Min 2005, "Simple improved confidence intervals for comparing matched proportions".
    """
    if not len(labels):
        return Comparison(0, None, None)
    was, now = (logits.argmax(axis=1) == labels for logits in (before, after))
    steps = now.astype(float) - was  # (M,): 1 for an answer won, -1 for one lost
    clearer = _log_likelihood(after, labels, usual) - _log_likelihood(before, labels, usual)
    bounded = clearer.clip(-RULES.max_step, RULES.max_step)
    return Comparison(
        photos=len(labels),
        before=round(float(_by_product(was, labels).mean()), 4),
        after=round(float(_by_product(now, labels).mean()), 4),
        won=int((steps > 0).sum()),
        lost=int((steps < 0).sum()),
        least_clearer=_lower_bound(_by_product(bounded, labels)),
        least_gain=_lower_bound(_by_product(steps, labels), 1 / len(labels)),
        products_lost=sum(_is_lost(steps[labels == label]) for label in np.unique(labels)),
    )


def _log_likelihood(logits: np.ndarray, labels: np.ndarray, usual: float) -> np.ndarray:
    """(M,) logarithms of the right products' probabilities, at the temperature that suits these logits."""
    scaled = logits.astype(float) / fit_temperature(logits, labels, usual)
    scaled -= scaled.max(axis=1, keepdims=True)
    return scaled[np.arange(len(labels)), labels] - np.log(np.exp(scaled).sum(axis=1))


def _by_product(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(M,) values of photos to (K,) means of the products that have any."""
    counts = np.bincount(labels)
    return np.bincount(labels, weights=values)[counts > 0] / counts[counts > 0]


def _lower_bound(of_products: np.ndarray, least_error: float = 0.0) -> float:
    """What the mean of (K,) values exceeds with RULES.confidence; nothing is known of fewer than two.

    Args:
        least_error: a standard error that is there even where all values are the same.
    """
    if len(of_products) < 2:
        return -math.inf
    error = math.hypot(float(of_products.std(ddof=1)) / math.sqrt(len(of_products)), least_error)
    return float(of_products.mean()) - _student(RULES.confidence, len(of_products) - 1) * error


def _student(confidence: float, freedom: int) -> float:
    """A quantile of Student's t distribution; 1 % too small for 4 degrees of freedom, exact for many.

    Source: Abramowitz & Stegun 1964, 26.7.5.
    """
    z = NormalDist().inv_cdf(confidence)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + (z**3 + z) / 4 / freedom + second / freedom**2 + third / freedom**3


def _is_lost(steps: np.ndarray) -> bool:
    """Whether one product's photos lost more answers than chance explains: a one-sided sign test."""
    lost, changed = int((steps < 0).sum()), int((steps != 0).sum())
    chance = sum(math.comb(changed, k) for k in range(lost, changed + 1)) / 2**changed
    return lost > changed / 2 and chance < RULES.product_chance
