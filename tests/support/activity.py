"""Lets somebody act in a test that sends no request, and reads what was written down."""

from collections.abc import Iterator
from contextlib import contextmanager

from catalog.activity.actor import _acting, act_as
from catalog.activity.rows import Activity


@contextmanager
def acting(name: str) -> Iterator[None]:
    before = _acting.set(None)
    act_as(name)
    try:
        yield
    finally:
        _acting.reset(before)


def told() -> list[str]:
    """Who did what, the oldest first."""
    return [str(row) for row in Activity.objects.order_by("pk")]
