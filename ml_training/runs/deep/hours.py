"""Which shops' deep training may compute at this hour."""

import logging

from django.conf import settings

from catalog.hours import HoursUnreadable, is_open
from catalog.models import Shop

logger = logging.getLogger(__name__)


def shops_open() -> list[int]:
    """The shops whose own hours, or else DEEP_HOURS, include this moment."""
    return [shop.pk for shop in Shop.objects.order_by("pk").only("deep_hours") if is_shop_open(shop)]


def is_shop_open(shop: Shop) -> bool:
    """Whether its own hours, or else DEEP_HOURS, include this moment."""
    try:
        return is_open(shop.deep_hours or settings.DEEP_HOURS)
    except HoursUnreadable as error:  # written past the shop's form
        logger.warning("Shop %s has no deep training, since its hours cannot be read. %s", shop.pk, error)
        return False
