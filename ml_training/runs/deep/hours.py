"""Which shops' deep training may compute at this hour."""

import logging

from django.conf import settings

from catalog.hours import HoursUnreadable, is_open
from catalog.models import Shop
from ml_training.models import ShopTraining

logger = logging.getLogger(__name__)


def shops_open() -> list[int]:
    """The shops whose own hours, or else DEEP_HOURS, include this moment."""
    shops = Shop.objects.order_by("pk").select_related("training")
    return [shop.pk for shop in shops if is_shop_open(ShopTraining.of(shop))]


def is_shop_open(training: ShopTraining) -> bool:
    """Whether a shop's own hours, or else DEEP_HOURS, include this moment."""
    try:
        return is_open(training.deep_hours or settings.DEEP_HOURS)
    except HoursUnreadable as error:  # written past the shop's form
        pk = training.shop_id
        logger.warning("Shop %s has no deep training, since its hours cannot be read. %s", pk, error)
        return False
