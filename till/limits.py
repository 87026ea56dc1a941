"""Keeps within limits what tills send: photos by number and age, rows by age and by sender."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from api.errors import TOO_MANY, ApiError
from catalog.models import Shop
from till.models import Correction

KEPT_DAYS = 365  # of a row, which says what was right; its photo goes sooner
MOST_A_DAY = 5000  # corrections of one device or person: more than anybody taps


def check_not_flooding(correction: Correction) -> None:
    """Keep a device that was stolen, or one that is broken, from filling the database.

    Raises:
        ApiError: (TOO_MANY) its sender has sent more within a day than anybody taps. The device keeps it.
    """
    since = timezone.now() - timedelta(days=1)
    of_sender = Correction.objects.filter(shop=correction.shop, till=correction.till, user=correction.user)
    if of_sender.filter(received_at__gt=since).count() >= MOST_A_DAY:
        text = (
            f"This device has sent {MOST_A_DAY} corrections within a day. It will send the others tomorrow."
        )
        raise ApiError(text, TOO_MANY)


def drop_old(shop: Shop | None = None) -> None:
    """Remove photos that are too old or too many, the oldest first, and rows that tell of nothing any more.

    What was said and chosen stays when its photo goes: the figures are made of it.

    Effects:      rows; files once that has committed.
    Repeatable:   yes.
    """
    now = timezone.now()
    rows = Correction.objects.filter(shop=shop) if shop else Correction.objects.all()
    rows.filter(received_at__lt=now - timedelta(days=KEPT_DAYS)).delete()
    with_photo = rows.exclude(photo="")
    for row in with_photo.filter(received_at__lt=now - timedelta(days=settings.TILL_CORRECTION_DAYS)):
        row.drop_photo()
    shops = [shop.pk] if shop else list(with_photo.order_by().values_list("shop", flat=True).distinct())
    for pk in shops:
        for row in with_photo.filter(shop=pk)[settings.TILL_CORRECTIONS :]:
            row.drop_photo()
