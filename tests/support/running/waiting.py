"""Waits for what another process or thread brings about."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db.models import F

from catalog.models import Shop
from ml_training.models import ShopTraining, TrainingRun

Value = TypeVar("Value")
PATIENCE = 180  # seconds: the longest that a worker may take to load everything on a busy machine


def wait_until(
    condition: Callable[[], Value], seconds: float = PATIENCE, step: Callable[[], object] = lambda: None
) -> Value:
    """Wait for a condition and return its value; fail when it does not come true.

    Args:
        step: called between two looks, such as one that does a worker's work.
    """
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"Waited {seconds} s in vain."
        step()
        time.sleep(0.05)
    return value


def is_done(shop: Shop) -> bool:
    """Whether nothing is owed and no run goes."""
    going = TrainingRun.objects.filter(shop=shop, status__in=["queued", "training"]).exists()
    return not going and not ShopTraining.objects.filter(shop=shop, trained__lt=F("wanted")).exists()
