"""What is different in the life of deep runs: they wait for their hours, and can be cancelled.

queued → training → completed | failed | cancelled
"""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from catalog.activity.rows import Activity, record
from catalog.models import Shop
from ml_training.events import CHANGED, STARTED, announce
from ml_training.models import ShopTraining, TrainingRun
from ml_training.runs import lifecycle, queue
from ml_training.runs.deep.hours import shops_open
from ml_training.runs.lifecycle import Kind, Status

GOING = [Status.QUEUED, Status.TRAINING]
CANCELLED = "Cancelled. The active model stays as it is."
TURNED_OFF = "Cancelled: deep training was turned off."
WAITS_FOR_ITS_HOURS = "Deep training waits for its hours."


def queue_deep(shop_id: int, why: str) -> TrainingRun:
    """See that a deep run of a shop is queued or training.

    Effects:      at most one new TrainingRun; a task and a `queued` event on commit.
    Transaction:  opens one.
    Repeatable:   yes; a second call finds the first one's run.
    """
    with transaction.atomic():
        ShopTraining.objects.get_or_create(shop_id=shop_id)
        ShopTraining.objects.hold(shop_id)
        going = TrainingRun.objects.filter(shop_id=shop_id, kind=Kind.DEEP, status__in=GOING).first()
        if going:
            return going
        trigger = [{"kind": why, "product": "", "count": 1}]
        return queue.create(TrainingRun(shop_id=shop_id, kind=Kind.DEEP, trigger=trigger))


def claim(run_id: int, at_any_hour: bool = False) -> TrainingRun | None:
    """Take a queued deep run for this worker.

    Returns:
        The run, or None when it is not queued, another of this shop is training, this is not its hour, or
        one's own backbone is used, which is never tuned.
    Effects:      status training, worker token, heartbeat; `started` event.
    Transaction:  opens one.
    """
    with transaction.atomic():
        queued = TrainingRun.objects.filter(pk=run_id, kind=Kind.DEEP, status=Status.QUEUED)
        run = queued.select_related("shop").first()
        if run is None or settings.BACKBONE_FILE or not (at_any_hour or run.shop_id in shops_open()):
            return None
        state = ShopTraining.objects.hold(run.shop_id)
        if state is None or not lifecycle.take(queued, state, "", message=""):
            return None
        run.refresh_from_db()
        run.sequence = announce(run, STARTED, "Deep training: the recogniser studies your photos.")
        return run


def cancel(shop: Shop) -> bool:
    """End a shop's deep run, whether it waits or trains. The active version stays.

    The worker finds out with its next heartbeat and stops computing.

    Returns:
        Whether there was one.
    Effects:      run cancelled; a `changed` event.
    Transaction:  opens one.
    Repeatable:   yes.
    """
    going = TrainingRun.objects.filter(shop=shop, kind=Kind.DEEP, status__in=GOING)
    return _cancel(going, shop.pk, CANCELLED)


def cancel_own(run: TrainingRun) -> bool:
    """The same for a run that this process computes, as long as it is this worker's."""
    return _cancel(lifecycle.own(run), run.shop_id, CANCELLED)


def call_off(before: datetime) -> None:
    """Cancel what has waited since before then: deep training was turned off meanwhile.

    Effects:      runs cancelled; a `changed` event each.
    Transaction:  opens one a run.
    Repeatable:   yes.
    """
    waiting = TrainingRun.objects.filter(kind=Kind.DEEP, status=Status.QUEUED, created_at__lt=before)
    for shop_id in list(waiting.values_list("shop_id", flat=True)):
        _cancel(waiting.filter(shop_id=shop_id), shop_id, TURNED_OFF)


def _cancel(runs: QuerySet, shop_id: int, message: str) -> bool:
    with transaction.atomic():
        ShopTraining.objects.hold(shop_id)
        run = runs.first()
        if run is None:
            return False
        run.status, run.message = Status.CANCELLED, message
        runs.update(status=run.status, message=message, finished_at=timezone.now())
        announce(run, CHANGED, message)
        record(Activity.Kind.MODEL, "cancelled deep training", run.shop)
    return True


def pause(run: TrainingRun) -> bool:
    """Let a run wait for the next hour it may compute in; it goes on where it stopped."""
    return lifecycle.release(run, WAITS_FOR_ITS_HOURS, message=WAITS_FOR_ITS_HOURS, woken_at=timezone.now())
