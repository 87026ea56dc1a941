"""Shops drawn from labelled photos, and what their recognizers say of photos that they do not have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.recognition import Labelled
from ml_training.recognizer.answers.open_set import Plane, Tried, features, squared_distances
from ml_training.recognizer.answers.promise import VIEWS
from ml_training.recognizer.covariance import Sample
from ml_training.recognizer.cross_validation import Trials, plan_trials, run_trials
from ml_training.recognizer.head import Discriminant, fit_discriminant

Kind = tuple[int, int]  # products, photos of each


@dataclass(frozen=True)
class SimulatedShop:
    kind: Kind
    labels: np.ndarray  # (N,) of its own photos
    fitted: Discriminant
    trials: Trials
    known: dict[int, Tried]  # by VIEWS: photos of its products, from elsewhere
    foreign: dict[int, Tried]  # the same of all others
    known_logits: np.ndarray  # (K, C) of single photos, of temperature 1
    known_labels: np.ndarray  # (K,)


def draw_shops(
    train: Labelled, test: Labelled, kinds: Sequence[Kind], draws: int, pool: np.ndarray, others: np.ndarray
) -> Iterator[SimulatedShop]:
    """Draw shops: photos by lot in one draw, the first ones of each product in the next.

    Args:
        pool: products that a shop may have.
        others: products that all shops are shown too, beside those of the pool that they do not have.
    """
    for kind in kinds:
        if kind[0] > len(pool):
            continue
        for seed in range(draws):
            rng = np.random.default_rng([*kind, seed])
            products = np.sort(rng.choice(pool, kind[0], replace=False))
            foreign = np.setdiff1d(np.union1d(pool, others), products)
            yield _open_shop(train, test, kind, products, foreign, rng, by_lot=bool(seed % 2))


def _open_shop(
    train: Labelled,
    test: Labelled,
    kind: Kind,
    products: np.ndarray,
    foreign: np.ndarray,
    rng: np.random.Generator,
    by_lot: bool,
) -> SimulatedShop:
    rows = [np.flatnonzero(train.labels == product) for product in products]
    rows = [np.sort((rng.permutation(own) if by_lot else own)[: kind[1]]) for own in rows]
    labels = np.repeat(np.arange(len(rows)), [len(own) for own in rows])
    fitted, trials = _fit(train.only(np.concatenate(rows)), labels)
    known: dict[int, Tried] = {}
    unknown: dict[int, Tried] = {}
    for views in VIEWS:
        shown = _together(test, np.concatenate([products, foreign]), views, rng)
        logits = fitted.head.logits(shown.vectors)
        plain = squared_distances(shown.vectors, fitted.means)
        found = features(Plane(fitted.between).place(logits), plain, trials.spread)
        is_known = np.isin(shown.labels, products)
        places = np.searchsorted(products, shown.labels)
        right = is_known & (logits.argmax(axis=1) == places)
        known[views], unknown[views] = (
            Tried(found[part], shown.labels[part], right[part]) for part in (is_known, ~is_known)
        )
        if views == 1:
            known_logits, known_labels = logits[is_known], places[is_known]
    return SimulatedShop(kind, labels, fitted, trials, known, unknown, known_logits, known_labels)


def _fit(photos: Labelled, labels: np.ndarray) -> tuple[Discriminant, Trials]:
    """What `train.fit_model` fits, without what it finds out of single photos."""
    sample, plan = Sample(photos.vectors, labels, photos.looks_of_few(labels)), plan_trials(labels)
    scatter = sample.scatter(plan.left_out(labels))
    fitted = fit_discriminant(scatter)
    trials = run_trials(sample.vectors, labels, plan, scatter)
    return sample.in_whole_space(fitted), trials


def _together(test: Labelled, products: np.ndarray, views: int, rng: np.random.Generator) -> Labelled:
    """Means of so many photos of one product, drawn by lot; as many of them as it has photos."""
    vectors, labels = [], []
    for product in products:
        own = np.flatnonzero(test.labels == product)
        if len(own) < views:
            continue
        for row in own:
            chosen = [row] if views == 1 else rng.permutation(own)[:views]
            vectors.append(test.vectors[chosen].mean(axis=0))
            labels.append(product)
    return Labelled(np.stack(vectors), np.array(labels))
