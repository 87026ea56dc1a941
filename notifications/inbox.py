"""Keeps what staff are told, and what they have read."""

from dataclasses import asdict
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from catalog.models import Shop
from ml_training.events import COMPLETED, FAILED, QUEUED, STARTED, MLStatusEvent
from ml_training.models import TrainingRun
from ml_training.permissions import VIEW_TRAINING
from notifications.models import Notification

KEEP_READ_DAYS = 30
LOOK = "Training is done, and needs a look"
TITLES = {
    QUEUED: ("info", "Training is queued"),
    STARTED: ("info", "Training has started"),
    COMPLETED: ("success", "Training is done"),
    FAILED: ("error", "Training failed"),
}


def recipients(shop_id: int):
    """Who is told of a shop: its staff who may see training, and superusers."""
    users = get_user_model().objects.with_perm(
        VIEW_TRAINING, backend="django.contrib.auth.backends.ModelBackend"
    )
    member = Exists(Shop.members.through.objects.filter(user_id=OuterRef("pk"), shop_id=shop_id))
    users = users.filter(Q(is_superuser=True) | member, is_staff=True)
    return users.annotate(shop_count=Count("shops", distinct=True))


def _is_repetition(event: MLStatusEvent) -> bool:
    """Whether an event tells of another try at the same work: only its end is news, not each step again."""
    attempts = TrainingRun.objects.filter(pk=event.run_id).values_list("attempts", flat=True).first() or 1
    if attempts == 1 or event.kind == COMPLETED:
        return False
    return event.kind != FAILED or attempts < settings.MAX_ATTEMPTS


def store_status(event: MLStatusEvent) -> list[Notification]:
    """Keep an event for each recipient.

    Returns:
        The notifications that are new.
    Repeatable:   yes; an event told again adds nothing.
    """
    shop = Shop.objects.filter(pk=event.shop_id).first()
    if shop is None:
        return []
    level, title = TITLES[event.kind]
    if event.is_warning:
        level, title = "warning", LOOK
    if _is_repetition(event):
        return []
    shops = Shop.objects.count()
    key = f"run-{event.run_id}-{event.kind}"
    told = set(Notification.objects.filter(key=key).values_list("recipient_id", flat=True))
    new = [
        Notification(
            recipient=user,
            shop=shop,
            kind=Notification.Kind.ML_TRAINING,
            level=level,
            # Who sees one shop need not read its name.
            title=f"{shop.name}: {title}" if (shops if user.is_superuser else user.shop_count) > 1 else title,
            message=event.message,
            link=f"{reverse('admin:ml_model')}?shop={shop.slug}",
            data=asdict(event),
            key=key,
        )
        for user in recipients(shop.pk)
        if user.pk not in told
    ]
    Notification.objects.bulk_create(new, ignore_conflicts=True)
    if event.kind == COMPLETED:
        old = timezone.now() - timedelta(days=KEEP_READ_DAYS)
        Notification.objects.filter(shop=shop, read_at__lt=old).delete()
    recipient_pks = [notification.recipient_id for notification in new]
    return list(Notification.objects.filter(key=key, recipient__in=recipient_pks))


def inbox(user):
    """A user's notifications, newest first; of shops that the user may still see."""
    return Notification.objects.filter(recipient=user, shop__in=Shop.objects.visible_to(user))


def unread_count(user) -> int:
    return inbox(user).filter(read_at__isnull=True).count()


def mark_read(user, notification_id: int | None = None) -> int:
    """Mark one notification read, or all of them.

    Returns:
        How many were unread until now.
    Repeatable:   yes.
    """
    unread = Notification.objects.filter(recipient=user, read_at__isnull=True)
    if notification_id is not None:
        unread = unread.filter(pk=notification_id)
    return unread.update(read_at=timezone.now())
