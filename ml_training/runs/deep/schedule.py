"""Decides when deep training promises to pay, and queues it. Called once a minute by `tasks.reconcile`."""

from collections import Counter
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Max, Q
from django.utils import timezone

from catalog.models import Product, ProductImage
from ml_training.models import ShopTraining, TrainingRun
from ml_training.runs import queue
from ml_training.runs.deep.hours import shops_open
from ml_training.runs.deep.lifecycle import GOING, TURNED_OFF, call_off, queue_deep
from ml_training.runs.lifecycle import Kind, Status
from ml_training.runs.reconcile import may_try_again

WAKE_AFTER = timedelta(minutes=2)  # a queued run this old whose shop has none in training has lost its task


def reconcile_deep() -> list[int]:
    """Queue deep runs that promise to pay, try again what a dead worker left, wake what waits.

    Effects:      new runs and tasks; what waits is cancelled where deep training is off or cannot be.
    Transaction:  opens one a run.
    Repeatable:   yes; a second call finds nothing to do.
    Returns:
        The ids of the runs that were queued or woken.
    """
    if settings.DEEP_TRAINING == "off" or settings.BACKBONE_FILE:
        call_off(before=timezone.now() - WAKE_AFTER)  # later ones are begun at once, by a command
        return []
    may_compute = shops_open()
    going = TrainingRun.objects.filter(kind=Kind.DEEP, status__in=GOING).values_list("shop_id", flat=True)
    found = queue.wake_again(queue.startable(Kind.DEEP).filter(shop_id__in=may_compute), WAKE_AFTER)
    last = _last_runs()
    for shop_id in _shops_with_enough(set(may_compute).difference(going)):
        run = last.get(shop_id)
        if run is not None and run.status == Status.FAILED and may_try_again(run):
            found.append(queue.queue_again(run).pk)
        elif run is None or _is_due(run):
            found.append(queue_deep(shop_id, "promises").pk)
    return found


def _last_runs() -> dict[int, TrainingRun]:
    """The newest deep run of each shop that was tried, or that somebody cancelled."""
    runs = TrainingRun.objects.filter(kind=Kind.DEEP).exclude(status=Status.SUPERSEDED)
    runs = runs.exclude(started_at=None, message=TURNED_OFF)
    newest = runs.order_by().values("shop").annotate(newest=Max("pk"))
    return {run.shop_id: run for run in TrainingRun.objects.filter(pk__in=newest.values("newest"))}


def _shops_with_enough(shops: set[int]) -> list[int]:
    """Those with a model on their newest photos, and with enough products that have enough photos."""
    states = ShopTraining.objects.filter(active_version__isnull=False, shop_id__in=shops)
    ready = [state.shop_id for state in states if not state.is_owed]
    stocked = Product.objects.filter(shop__in=ready).annotate(photos=Count("images"))
    stocked = stocked.filter(photos__gte=settings.DEEP_PRODUCT_PHOTOS).order_by()
    products: Counter[int] = Counter()
    photos: Counter[int] = Counter()
    for shop_id, count in stocked.values_list("shop_id", "photos"):
        products[shop_id] += 1
        photos[shop_id] += count
    return [
        shop_id
        for shop_id in ready
        if products[shop_id] >= settings.DEEP_PRODUCTS and photos[shop_id] >= settings.DEEP_PHOTOS
    ]


def _is_due(last: TrainingRun) -> bool:
    """Whether the interval is over since a shop's last deep run, and enough photos are new since."""
    since = last.started_at or last.created_at
    if timezone.now() < since + timedelta(hours=settings.DEEP_INTERVAL_HOURS):
        return False
    photos = ProductImage.objects.filter(product__shop_id=last.shop_id)
    counts = photos.aggregate(all=Count("pk"), new=Count("pk", filter=Q(added_at__gt=since)))
    return counts["new"] / max(counts["all"], 1) >= settings.DEEP_NEW_PERCENT / 100
