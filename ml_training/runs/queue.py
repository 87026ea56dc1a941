"""Sees that what changed is trained: counts changes, queues runs, wakes workers up.

Calls the queue only to wake a worker up: a lost queue loses nothing.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from api.after_commit import after_commit
from catalog.activity.rows import Activity, record
from catalog.models import Shop
from ml_training.events import QUEUED, announce
from ml_training.models import ShopTraining, TrainingRun

logger = logging.getLogger(__name__)
Status, Kind = TrainingRun.Status, TrainingRun.Kind
TASKS = {  # by kind: what the queue calls, and which queue
    Kind.QUICK: ("ml_training.tasks.train", None),
    Kind.DEEP: ("ml_training.tasks.train_deep", "deep"),
}
MAX_CHANGES_NAMED = 20
MOST_TRIES = 9999  # that are counted


@dataclass(frozen=True)
class Change:
    """Why training is asked for: a kind (see `events.py`) and the product it concerns, if one."""

    kind: str
    product: str = ""


def request_training(shop_id: int, change: Change, fresh: bool = False) -> TrainingRun:
    """Note that a shop's photos moved on, and see that one run is queued.

    Effects:      ShopTraining.wanted + 1; at most one new TrainingRun; a task and a `queued` event on commit.
    Transaction:  opens one, or joins the caller's.
    Repeatable:   a second call counts again and joins the run that is queued already.
    """
    with transaction.atomic():
        changed = ShopTraining.objects.filter(shop_id=shop_id).update(wanted=F("wanted") + 1)
        if not changed:
            ShopTraining.objects.get_or_create(shop_id=shop_id)
            ShopTraining.objects.filter(shop_id=shop_id).update(wanted=F("wanted") + 1)
        # The update above holds this shop's row, so no two callers are here for one shop at once.
        return _queue(shop_id, change, fresh=fresh)


def _queue(shop_id: int, change: Change, fresh: bool = False) -> TrainingRun:
    run = waiting(shop_id, Kind.QUICK)
    if run is None:
        return create(TrainingRun(shop_id=shop_id, fresh=fresh, trigger=_with_change([], change)))
    run.trigger, run.fresh = _with_change(run.trigger, change), run.fresh or fresh
    run.save(update_fields=["trigger", "fresh"])
    return run


def waiting(shop_id: int, kind: str) -> TrainingRun | None:
    return TrainingRun.objects.filter(shop_id=shop_id, kind=kind, status=Status.QUEUED).first()


def create(run: TrainingRun) -> TrainingRun:
    run.save(force_insert=True)
    announce(run, QUEUED, "")  # told before a worker can tell that it has started
    after_commit(wake_worker, run.pk, run.kind)
    return run


def queue_again(failed: TrainingRun) -> TrainingRun:
    """Queue the same work once more. Tries are counted before the work: a run that kills its worker ends."""
    return create(
        TrainingRun(
            shop_id=failed.shop_id,
            kind=failed.kind,
            fresh=failed.fresh,
            trigger=failed.trigger,
            attempts=min(tries(failed) + 1, MOST_TRIES),
        )
    )


def tries(run: TrainingRun) -> int:
    """How many tries at a run's work came to nothing. A deep run that ended a round has got somewhere."""
    got_somewhere = run.kind == Kind.DEEP and run.metrics.get("accuracy") is not None
    return 0 if got_somewhere else run.attempts


def _with_change(trigger: list, change: Change) -> list:
    known = {(item["kind"], item["product"]): item for item in trigger}
    if (change.kind, change.product) not in known and len(trigger) >= MAX_CHANGES_NAMED:
        change = Change("other")
    if item := known.get((change.kind, change.product)):
        item["count"] += 1
        return trigger
    return [*trigger, {"kind": change.kind, "product": change.product, "count": 1}]


def wake_worker(run_id: int, kind: str = Kind.QUICK) -> None:
    """Put a task on the queue; if that fails the reconciler will, and the caller goes on."""
    from django_q.tasks import async_task

    TrainingRun.objects.filter(pk=run_id).update(woken_at=timezone.now())
    try:
        task, queue = TASKS[Kind(kind)]
        async_task(task, run_id, task_name=f"train {run_id}", cluster=queue)
    except Exception:
        logger.exception("Run %s could not be put on the queue; the reconciler will try again.", run_id)


def startable(kind: str) -> QuerySet[TrainingRun]:
    """The queued runs of a kind whose shop trains nothing of this kind: they only wait for a worker."""
    runs = TrainingRun.objects.filter(kind=kind)
    busy = runs.filter(status=Status.TRAINING).values("shop_id")
    return runs.filter(status=Status.QUEUED).exclude(shop_id__in=busy)


def wake_again(waiting: QuerySet[TrainingRun], after: timedelta) -> list[int]:
    """Wake workers for runs of which none was told for so long: their tasks are lost. The runs' ids."""
    woken = [*waiting.exclude(woken_at__gte=timezone.now() - after)]
    for run in woken:
        wake_worker(run.pk, run.kind)
    return [run.pk for run in woken]


def queue_or_wake(state: ShopTraining) -> None:
    """After a run: see that what is still owed has a queued run whose worker is awake."""
    run = waiting(state.shop_id, Kind.QUICK)
    if run:
        after_commit(wake_worker, run.pk)
    elif state.is_owed:
        _queue(state.shop_id, Change("changed_meanwhile"))


def queue_owed(shop_id: int) -> TrainingRun:
    """Queue a run for work that is owed and has none. The caller holds the shop's row."""
    return _queue(shop_id, Change("owed"))


def owed_run(shop: Shop, fresh: bool = False) -> TrainingRun | None:
    """The queued run for what a shop is owed, or None when nothing is; `fresh` asks for everything anew."""
    if fresh:
        return request_training(shop.pk, Change("asked"), fresh=True)
    with transaction.atomic():
        state = ShopTraining.objects.hold(shop.pk)
        if state is None or not state.is_owed:
            return None
        run = waiting(shop.pk, Kind.QUICK)
        return run or queue_owed(shop.pk)


def prepare_training_data(shop: Shop) -> TrainingRun:
    """Have every photo of a shop checked and looked at again, and what is found reported.

    Effects:      see `request_training`.
    Transaction:  opens one.
    Repeatable:   yes; while one such run is queued, or training on the newest photos, that one is returned.
    """
    with transaction.atomic():
        state = ShopTraining.objects.hold_or_create(shop.pk)
        going = TrainingRun.objects.filter(shop=shop, status=Status.TRAINING, fresh=True).first()
        if going and going.generation == state.wanted:
            return going
        record(Activity.Kind.MODEL, "had all photos checked again", shop)
        return request_training(shop.pk, Change("prepare"), fresh=True)
