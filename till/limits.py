"""Keeps within limits what tills send: photos by number and age, rows by age and by sender."""

from collections import defaultdict
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
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
    """Remove photos that are too old or too many, and rows that tell of nothing any more.

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
        for row in _too_many(with_photo.filter(shop=pk)):
            row.drop_photo()


def _too_many(with_photo: QuerySet[Correction]) -> list[Correction]:
    """Photos of one shop beyond what is kept: each time the oldest of the device or person that has most."""
    excess = with_photo[settings.TILL_CORRECTIONS :].count()
    by_sender = defaultdict(list)  # of each the oldest last
    for row in with_photo.only("till", "user", "received_at", "photo") if excess else ():
        by_sender[row.till_id, row.user_id].append(row)
    dropped: list[Correction] = []
    while len(dropped) < excess:
        of_senders = [rows for rows in by_sender.values() if rows]
        most = max(of_senders, key=lambda rows: (len(rows), -rows[-1].received_at.timestamp()))
        dropped.append(most.pop())
    return dropped
