"""Reads back how far answers can be trusted from a model's files, whoever wrote them."""

import numpy as np

from ml_training.recognizer.answers.numbers import number, numbers, whole
from ml_training.recognizer.answers.open_set import OpenSet, Spread
from ml_training.recognizer.answers.promise import CHOICES, NEVER, Thresholds
from ml_training.recognizer.answers.score import FEATURES, TERMS, Score


def translate(about: dict, tensors: dict[str, np.ndarray]) -> tuple[dict, dict[str, np.ndarray]]:
    """What an earlier release wrote: six features, and thresholds by the share of unknown photos named."""
    score = number(about["thresholds"]["0.02"], "open_set.thresholds")
    named = [{"wrong": w, "foreign": f, "photos": views, "score": score} for w, f, views in CHOICES]
    weights = [*about["weights"], *[0.0] * (TERMS - len(about["weights"]))]
    line = {"centre": [0.0] * FEATURES, "scale": [1.0] * FEATURES, "weights": weights, "bias": 0.0}
    levels = {"confidence": [1.0, 0.0], "unknown_below": -NEVER, "list_gap": NEVER}
    photos = np.ones(len(tensors["weights"]), np.float32)
    return {"score": line, "named_above": named, **levels}, {**tensors, "photos": photos}


def read_open_set(about: dict | None, tensors: dict[str, np.ndarray]) -> OpenSet | None:
    """What `model.json` says as `open_set`, with its tensors; None where it says nothing.

    Raises:
        ValueError, KeyError, TypeError: it cannot be read, or no photo could be answered with it.
    """
    if about is None:
        return None
    classes, size = tensors["weights"].shape
    shapes = {
        "between": (classes, classes),
        "means": (classes, size),
        "spread_in_plane": (classes,),
        "spread_plain": (classes,),
        "photos": (classes,),
    }
    for name, shape in shapes.items():
        values = tensors[name]
        if values.shape != shape or values.dtype != np.float32 or not np.isfinite(values).all():
            raise ValueError(f"{name} must be finite float32 numbers of the shape {shape}.")
    spread = Spread(tensors["spread_in_plane"], tensors["spread_plain"], tensors["photos"])
    if (
        min(spread.in_plane.min(), spread.plain.min(), spread.photos.min()) <= 0
        or tensors["between"].min() < 0
    ):
        raise ValueError("between and spread must be distances, and photos be counted.")
    named = _read_named(about["named_above"])
    slope, offset = numbers(about["confidence"], "open_set.confidence")
    unknown_below, list_gap = (
        number(about[name], f"open_set.{name}") for name in ("unknown_below", "list_gap")
    )
    line, thresholds = (slope, offset), Thresholds(named, unknown_below)
    score = _read_score(about["score"])
    open_set = OpenSet(tensors["between"], tensors["means"], spread, score, line, thresholds, list_gap)
    _check_plane(open_set)
    return open_set


def _read_named(rows: list[dict]) -> dict[tuple[float, float, int], float]:
    named = {}
    for row in rows:
        wrong, foreign, score = (
            number(row[name], f"named_above.{name}") for name in ("wrong", "foreign", "score")
        )
        named[wrong, foreign, whole(row["photos"], "named_above.photos")] = score
    if named.keys() != set(CHOICES):
        raise ValueError(
            "named_above must have a score for each promise, share of foreign and number of photos."
        )
    return named


def _read_score(about: dict) -> Score:
    sizes = {"centre": FEATURES, "scale": FEATURES, "weights": TERMS}
    centre, scale, weights = (np.array(numbers(about[name], f"score.{name}")) for name in sizes)
    score = Score(centre, scale, weights, number(about["bias"], "score.bias"))
    if any(len(getattr(score, name)) != size for name, size in sizes.items()):
        raise ValueError(f"score must have {FEATURES} centres and scales and {TERMS} weights.")
    if scale.min() <= 0:
        raise ValueError("score must have scales above 0.")
    return score


def _check_plane(open_set: OpenSet) -> None:
    """Refuse distances of which no plane can be made: of too large ones nothing but infinity comes."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            plane = open_set.plane
    except np.linalg.LinAlgError as error:
        raise ValueError("between must be distances between points.") from error
    if not all(np.isfinite(values).all() for values in (plane.row_means, plane.norms, plane.to_plane)):
        raise ValueError("between must be distances between points.")
