"""Which shops' deep training may compute at this hour. Called by `promise`, `runs`, `job` and the worker."""

from django.conf import settings

from catalog.hours import is_open
from catalog.models import Shop


def shops_open() -> list[int]:
    """The shops whose own hours, or else DEEP_HOURS, include this moment."""
    shops = Shop.objects.order_by("pk").values_list("pk", "deep_hours")
    return [pk for pk, hours in shops if is_open(hours or settings.DEEP_HOURS)]
