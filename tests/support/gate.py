"""Versions as the quality gate sees them, made from answers alone."""

from ml_training.gate.judge import find_regressions
from ml_training.models import ModelVersion


def verdict(before: dict, after: dict) -> str:
    old, new = (ModelVersion(number=n, cross_validated=judged(o)) for n, o in ((1, before), (2, after)))
    return find_regressions(old, new)


def judged(outcomes: dict[int, list[int]]) -> dict[str, list[int]]:
    """Versions as the gate sees them: by product, what was answered for each of its photos."""
    photos = {}
    for product, answers in outcomes.items():
        photos |= {f"{product}{number:03}": [product, answer] for number, answer in enumerate(answers)}
    return photos
