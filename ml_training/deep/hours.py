"""Which shops' deep training may compute at this hour. Called by `promise`, `runs`, `job` and the worker."""

import logging

from django.conf import settings

from catalog.hours import HoursUnreadable, is_open
from catalog.models import Shop

logger = logging.getLogger(__name__)


def shops_open() -> list[int]:
    """The shops whose own hours, or else DEEP_HOURS, include this moment."""
    shops = Shop.objects.order_by("pk").values_list("pk", "deep_hours")
    return [pk for pk, hours in shops if _is_open(pk, hours or settings.DEEP_HOURS)]


def _is_open(shop_id: int, hours: str) -> bool:
    try:
        return is_open(hours)
    except HoursUnreadable as error:  # written past the shop's form
        logger.warning("Shop %s has no deep training, since its hours cannot be read. %s", shop_id, error)
        return False
