"""From vectors to a model whose probabilities can be trusted, and what is known of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch  # noqa: F401 (loaded by those who will fit, before a run's clock starts)

from ml_training.recognizer.answers.open_set import OpenSet
from ml_training.recognizer.answers.promise import Learned, curves_of, fit_thresholds, shipped
from ml_training.recognizer.calibration import fit_list_gap, fit_temperature, usual_temperature
from ml_training.recognizer.covariance import Looks, Sample
from ml_training.recognizer.cross_validation import CALIBRATION_SHIFT, Trials, plan_trials, run_trials
from ml_training.recognizer.head import Discriminant, Head, fit_discriminant, need_two_products
from ml_training.recognizer.metrics import measure_reliability, report_accuracy
from ml_training.recognizer.outliers import find_copies, find_outliers


@dataclass(frozen=True)
class Fitted:
    """A head and what is known of it.

    Args:
        metrics: JSON-serialisable figures for its metadata.
        answers: (N,) int64, the class answered for each photo by a head without it, -1 where none was.
        misclassified: (N,) int64, the wrong class answered for a photo as it is, not moved away as photos
            from elsewhere are; -1 where the answer was right or there was none.
        outliers: (N,) int64, the class that a photo looks more like than like its own, -1 where it does not.
        copies: groups of rows that are nearly the same picture; only the first of each counted.
    """

    head: Head
    metrics: dict
    answers: np.ndarray
    misclassified: np.ndarray
    outliers: np.ndarray
    copies: list[np.ndarray]


def fit_model(
    vectors: np.ndarray,
    labels: np.ndarray,
    on_evaluating: Callable[[], object],
    unseen: np.ndarray | None = None,
    looks: Looks | None = None,
) -> Fitted:
    """Fit a head, and find out from photos and products held out how far it can be trusted.

    Photos that are nearly the same picture count as one: a thousand of them say no more than the first, and
    would judge each other.

    Args:
        vectors: (N, D) float32, L2-normalised rows.
        labels: (N,) int64, class index in [0, C), every class at least once.
        on_evaluating: called between fitting and evaluating.
        unseen: (N,) bool, the photos that the backbone did not learn from; all of them if left out.
        looks: at the photos of products that have few (`rows_of_few`), where they are known.
    Raises:
        TooFewProducts: C < 2.
    """
    need_two_products(labels)
    copies = find_copies(vectors, labels)
    counted = np.ones(len(labels), bool)
    for group in copies:
        counted[group[1:]] = False
    unseen = unseen[counted] if unseen is not None else None
    if copies:
        looks = looks.among(counted) if looks is not None else None
        fitted = _fit(Sample(vectors[counted], labels[counted], looks), on_evaluating, unseen)
    else:
        fitted = _fit(Sample(vectors, labels, looks), on_evaluating, unseen)
    of_all = np.full((3, len(labels)), -1)
    of_all[:, counted] = fitted.answers, fitted.misclassified, fitted.outliers
    answers, misclassified, outliers = of_all
    return replace(fitted, answers=answers, misclassified=misclassified, outliers=outliers, copies=copies)


def _find_outlier_classes(vectors: np.ndarray, labels: np.ndarray, unseen: np.ndarray | None) -> np.ndarray:
    """See `Fitted`; of photos that the backbone learned it proves nothing that they look like their own."""
    looks_like = np.full(len(labels), -1)
    for outlier in find_outliers(vectors, labels):
        if unseen is None or unseen[outlier.row]:
            looks_like[outlier.row] = labels[outlier.nearest]
    return looks_like


def _fit(sample: Sample, on_evaluating: Callable[[], object], unseen: np.ndarray | None) -> Fitted:
    vectors, labels = sample.vectors, sample.labels
    plan = plan_trials(labels, unseen)
    scatter = sample.scatter(plan.left_out(labels))
    fitted = fit_discriminant(scatter)
    on_evaluating()
    with ThreadPoolExecutor(1, thread_name_prefix="outliers") as beside:
        outliers = beside.submit(_find_outlier_classes, vectors, labels, unseen)
        trials = run_trials(vectors, labels, plan, scatter)
    fitted = sample.in_whole_space(fitted)
    shown, fair = labels[trials.held], trials.moved(labels, CALIBRATION_SHIFT)
    temperature = fit_temperature(fair, shown, usual_temperature(len(labels) / len(scatter.means)))
    singles = 1 - len(np.unique(shown)) / len(scatter.means)  # share of the products that could not be judged
    temperature = temperature ** (1 - singles) * usual_temperature(1) ** singles
    is_tuned = unseen is not None and not unseen.all()
    open_set, coverage = fit_open_set(fitted, trials, labels, is_tuned)
    metrics = {"photos_held_out": len(shown), **report_accuracy(trials, labels), "coverage": coverage}
    metrics["reliability"] = measure_reliability(fair / temperature, shown)
    answers, misclassified = np.full((2, len(labels)), -1)
    answers[trials.held] = trials.elsewhere(labels).argmax(axis=1)
    answered = trials.moved(labels, 0.0).argmax(axis=1)
    misclassified[trials.held] = np.where(answered == shown, -1, answered)
    head = Head(fitted.head.weights, fitted.head.bias, temperature, open_set).rounded()
    return Fitted(head, metrics, answers, misclassified, outliers.result(), [])


def fit_open_set(
    fitted: Discriminant,
    trials: Trials,
    labels: np.ndarray,
    is_tuned: bool = False,
    learned: Learned | None = None,
) -> tuple[OpenSet, dict[str, float]]:
    """Fit what says how far an answer can be trusted; see `promise.fit_thresholds` for the shares beside it.

    Args:
        labels: (N,) int64, of all photos.
        is_tuned: whether the backbone has learned photos of this shop.
        learned: what simulated shops taught; what is shipped if left out.
    """
    learned = learned or shipped()
    own = curves_of(learned, trials.known_elsewhere, trials.unknown)
    photos = float(trials.spread.photos.mean())
    thresholds, told = fit_thresholds(learned, len(fitted.means), photos, own, is_tuned)
    gap = fit_list_gap(trials.elsewhere(labels), labels[trials.held])
    line = learned.confidence
    return OpenSet(fitted.between, fitted.means, trials.spread, learned.score, line, thresholds, gap), told
