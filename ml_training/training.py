"""Decides when to train and is the only writer of a run's status.

    queued → training → completed | failed | superseded

Called by receivers (`request_training`), workers (`claim`, `report_progress`, `complete`, `fail`) and the
reconciler. Calls the queue only to wake a worker up: a lost queue loses nothing.
"""

import logging
import os
import socket
import uuid
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from catalog.models import Shop
from ml_training import artifacts
from ml_training.announcements import announce
from ml_training.events import COMPLETED, FAILED, QUEUED, STARTED
from ml_training.gate import what_got_worse
from ml_training.manifest import Manifest
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.provenance import note_learned
from ml_training.pruning import prune_on_commit
from ml_training.runtime import backbone_id_for
from ml_training.wording import trigger_in_words

logger = logging.getLogger(__name__)
Status, Phase, Kind = TrainingRun.Status, TrainingRun.Phase, TrainingRun.Kind
TASKS = {  # by kind: what the queue calls, and which queue
    Kind.QUICK: ("ml_training.tasks.train", None),
    Kind.DEEP: ("ml_training.tasks.train_deep", "deep"),
}
MOST_CHANGES_NAMED = 20
OTHER_BACKBONE = "It was made while another version took over; what it learned is learned again for that one."
STOPPED = "The worker was stopped; the run waits for the next one."


class RunLost(Exception):
    """Raised when a run is no longer this worker's: it was given up for dead, or its shop is gone."""


@dataclass(frozen=True)
class Change:
    """Why training is asked for: a kind (see `wording.py`) and the product it concerns, if one."""

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
    run = _waiting(shop_id, Kind.QUICK)
    if run is None:
        return create(TrainingRun(shop_id=shop_id, fresh=fresh, trigger=_with_change([], change)))
    run.trigger, run.fresh = _with_change(run.trigger, change), run.fresh or fresh
    run.save(update_fields=["trigger", "fresh"])
    return run


def _waiting(shop_id: int, kind: str) -> TrainingRun | None:
    return TrainingRun.objects.filter(shop_id=shop_id, kind=kind, status=Status.QUEUED).first()


def create(run: TrainingRun) -> TrainingRun:
    run.save(force_insert=True)
    announce(run, QUEUED, "")  # told before a worker can tell that it has started
    transaction.on_commit(partial(wake_worker, run.pk, run.kind), robust=True)
    return run


def queue_again(failed: TrainingRun) -> TrainingRun:
    """Queue the same work once more. Tries are counted before the work: a run that kills its worker ends."""
    return create(
        TrainingRun(
            shop_id=failed.shop_id,
            kind=failed.kind,
            fresh=failed.fresh,
            trigger=failed.trigger,
            attempts=tries(failed) + 1,
        )
    )


def tries(run: TrainingRun) -> int:
    """How many tries at a run's work came to nothing. A deep run that ended a round has got somewhere."""
    got_somewhere = run.kind == Kind.DEEP and run.metrics.get("accuracy") is not None
    return 0 if got_somewhere else run.attempts


def _with_change(trigger: list, change: Change) -> list:
    for item in trigger:
        if item["kind"] == change.kind and item["product"] == change.product:
            item["count"] += 1
            return trigger
    if len(trigger) >= MOST_CHANGES_NAMED:
        change = Change("other")
        if trigger[-1]["kind"] == "other":
            trigger[-1]["count"] += 1
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


def claim(run_id: int, announced: bool = True) -> TrainingRun | None:
    """Take a queued run for this worker.

    Args:
        announced: whether it starts now; a run that is only handed over starts when its trainer says so.
    Effects:      status training, worker token, heartbeat; `started` event. A run with nothing owed any more
                  becomes superseded.
    Transaction:  opens one.
    Returns:
        The run, or None when it is not queued, or its shop is training already (that run wakes this one).
    """
    with transaction.atomic():
        queued = TrainingRun.objects.filter(pk=run_id, kind=Kind.QUICK, status=Status.QUEUED)
        run = queued.first()
        if run is None:
            return None
        state = ShopTraining.objects.select_for_update().get(shop_id=run.shop_id)
        if not state.is_owed:
            queued.update(status=Status.SUPERSEDED, phase=Phase.DONE, finished_at=timezone.now())
            return None
        if not take(queued, state, backbone_id_for(run.shop_id)):
            return None
        run.refresh_from_db()
        if announced:
            run.sequence = announce(run, STARTED, trigger_in_words(run))
        return run


def take(queued: QuerySet, state: ShopTraining, backbone: str) -> bool:
    """Make a queued run this worker's, unless another of its kind is training this shop."""
    now = timezone.now()
    try:
        with transaction.atomic():
            return bool(
                queued.update(
                    status=Status.TRAINING,
                    phase=Phase.PREPARING,
                    generation=state.wanted,
                    backbone=backbone,
                    worker_token=uuid.uuid4().hex,
                    worker_host=socket.gethostname(),
                    worker_pid=os.getpid(),
                    started_at=now,
                    heartbeat_at=now,
                )
            )
    except IntegrityError:
        return False


def own(run: TrainingRun):
    """The run's row, as long as it is this worker's."""
    return TrainingRun.objects.filter(pk=run.pk, status=Status.TRAINING, worker_token=run.worker_token)


def beat(run: TrainingRun, **fields) -> None:
    """Say that the worker lives, and write how far it is.

    Raises:
        RunLost: the run is not this worker's any more.
    """
    if not own(run).update(heartbeat_at=timezone.now(), **fields):
        raise RunLost(f"Run {run.pk} was taken from this worker.")


def complete(
    run: TrainingRun, version: ModelVersion | None, message: str = "", learned: Manifest | None = None
) -> None:
    """Finish a run and make its version the active one, or finish without a version and say why.

    Args:
        message: what else there is to say.
        learned: the photos that the version learned.
    Effects:      run completed; ModelVersion and LearnedPhoto rows; ShopTraining.trained and, unless the new
                  version is worse (see `gate`), active_version; a run for what changed meanwhile; `completed`
                  event; files of old versions removed on commit.
    Transaction:  opens one: the version is active for everyone or does not exist.
    Raises:
        RunLost: the run is not this worker's any more; nothing was written.
    """
    with transaction.atomic():
        state = ShopTraining.objects.select_for_update().filter(shop_id=run.shop_id).first()
        run.status, run.phase, run.progress = Status.COMPLETED, Phase.DONE, 1.0
        run.message, run.finished_at = message, timezone.now()
        changed = ("status", "phase", "progress", "message", "finished_at", "products", "photos")
        values = {name: getattr(run, name) for name in (*changed, "set_aside", "metrics")}
        if state is None or not own(run).update(**values):
            raise RunLost(f"Run {run.pk} was taken from this worker.")
        new = {"trained": Greatest("trained", run.generation)}
        if version is not None:
            artifacts.take_next_number(version)
            if run.backbone not in ("", backbone_id_for(run.shop_id)):
                # Another version was activated meanwhile, on another backbone: what changed is still owed.
                version.held_back, new = OTHER_BACKBONE, {"trained": F("trained")}
            else:
                version.held_back = what_got_worse(state.active_version, version)
            version.changes = note_learned(version.shop_id, version.number, learned)
            version.save()
            prune_on_commit(run.shop_id)
            said = version.held_back or f"Version {version.number} is active."
            run.message = f"{said} {message}".rstrip()
            TrainingRun.objects.filter(pk=run.pk).update(message=run.message)
            if not version.held_back:
                new["active_version"] = version
        ShopTraining.objects.filter(shop_id=run.shop_id).update(**new)
        state.refresh_from_db()
        announce(run, COMPLETED, run.message, is_warning=version is None or bool(version.held_back))
        queue_or_wake(state)


def fail(run: TrainingRun, error: str) -> bool:
    """End a run with a sentence that says what to do; the active version goes on serving.

    Whether it is tried again is added to the sentence.

    Returns:
        Whether the run was still this worker's.
    """
    return _fail(run, own(run), error)


def give_up(run: TrainingRun) -> bool:
    """End a run whose worker is gone, unless it was heard of since `run` was read."""
    run.worker_lost = True
    silent = own(run).filter(heartbeat_at=run.heartbeat_at)
    what = f"The trainer at {run.trainer} went silent" if run.trainer else "The worker stopped"
    return _fail(run, silent, f"{what} in the middle of the run.")


def release(run: TrainingRun, why: str = STOPPED, **fields) -> bool:
    """Let a run wait again whose worker was stopped on purpose, or whose trainer had no room: no try counts.

    Args:
        fields: other fields of the run to set.
    Effects:      run queued, or superseded where another is queued already; `queued` event.
    Transaction:  opens one.
    Returns:
        Whether the run was still that worker's.
    """
    with transaction.atomic():
        ShopTraining.objects.select_for_update().filter(shop_id=run.shop_id).first()
        values = {"status": Status.QUEUED, "phase": Phase.WAITING, "progress": 0.0, "worker_token": ""}
        if _hand_over(run):
            values = {"status": Status.SUPERSEDED, "phase": Phase.DONE, "finished_at": timezone.now()}
        if not own(run).update(**{"woken_at": None} | values | fields):
            return False
        if why != run.message:
            announce(run, QUEUED, why)
    return True


def _fail(run: TrainingRun, rows, error: str) -> bool:
    with transaction.atomic():
        # The shop's row first, then the run's, as everywhere: no two callers wait for each other.
        ShopTraining.objects.select_for_update().filter(shop_id=run.shop_id).first()
        error = f"{error} {_what_comes_next(run)}"
        run.status, run.error, run.finished_at = Status.FAILED, error, timezone.now()
        names = ("status", "error", "finished_at", "set_aside", "worker_lost")
        if not rows.update(**{name: getattr(run, name) for name in names}):
            return False
        _hand_over(run)
        announce(run, FAILED, error)
    return True


def _hand_over(run: TrainingRun) -> bool:
    """Leave a run's work to the one that is queued already, if there is one."""
    waiting = _waiting(run.shop_id, run.kind)
    if waiting is None:
        return False
    TrainingRun.objects.filter(pk=waiting.pk).update(fresh=waiting.fresh or run.fresh)
    transaction.on_commit(partial(wake_worker, waiting.pk, waiting.kind), robust=True)
    return True


def _what_comes_next(run: TrainingRun) -> str:
    if tries(run) < settings.MAX_ATTEMPTS:
        return "It is tried again by itself."
    return f"It was tried {run.attempts} times and is not tried again by itself."


def queue_or_wake(state: ShopTraining) -> None:
    """After a run: see that what is still owed has a queued run whose worker is awake."""
    waiting = _waiting(state.shop_id, Kind.QUICK)
    if waiting:
        transaction.on_commit(partial(wake_worker, waiting.pk), robust=True)
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
        state = ShopTraining.objects.select_for_update().filter(shop=shop).first()
        if state is None or not state.is_owed:
            return None
        run = _waiting(shop.pk, Kind.QUICK)
        return run or queue_owed(shop.pk)


def prepare_training_data(shop: Shop) -> TrainingRun:
    """Have every photo of a shop checked and looked at again, and what is found reported.

    Effects:      see `request_training`.
    Transaction:  opens one.
    Repeatable:   yes; while one such run is queued, or training on the newest photos, that one is returned.
    """
    with transaction.atomic():
        state, _ = ShopTraining.objects.select_for_update().get_or_create(shop=shop)
        going = TrainingRun.objects.filter(shop=shop, status=Status.TRAINING, fresh=True).first()
        if going and going.generation == state.wanted:
            return going
        return request_training(shop.pk, Change("prepare"), fresh=True)
