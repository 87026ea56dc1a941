"""Brings a run to its end; with `queue` the only writer of a run's status.

queued → training → completed | failed | superseded
"""

import os
import socket
import uuid

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from api.after_commit import after_commit
from ml_training.backbones.loader import backbone_id_for
from ml_training.events import FAILED, QUEUED, STARTED, announce, trigger_in_words
from ml_training.models import ShopTraining, TrainingRun
from ml_training.runs.queue import tries, waiting, wake_worker

Status = TrainingRun.Status
Phase = TrainingRun.Phase
Kind = TrainingRun.Kind
WAITS_FOR = "waits_for"  # in the metrics of a failed run: what this computer lacks until somebody brings it
STOPPED = "The worker was stopped; the run waits for the next one."


class RunLost(Exception):
    """Raised when a run is no longer this worker's: it was given up for dead, or its shop is gone."""


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
        state = ShopTraining.objects.hold(run.shop_id)
        if state is None or not state.is_owed:
            queued.update(status=Status.SUPERSEDED, phase=Phase.DONE, finished_at=timezone.now())
            return None
        if not take(queued, state, backbone_id_for(run.shop_id)):
            return None
        run.refresh_from_db()
        if announced:
            run.sequence = announce(run, STARTED, trigger_in_words(run))
        return run


def take(queued: QuerySet[TrainingRun], state: ShopTraining, backbone: str, **fields: object) -> bool:
    """Make a queued run this worker's, unless another of its kind is training this shop.

    Args:
        fields: other fields of the run to set.
    """
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
                    **fields,
                )
            )
    except IntegrityError:
        return False


def own(run: TrainingRun) -> QuerySet[TrainingRun]:
    """The run's row, as long as it is this worker's."""
    return TrainingRun.objects.filter(pk=run.pk, status=Status.TRAINING, worker_token=run.worker_token)


def beat(run: TrainingRun, **fields: object) -> None:
    """Say that the worker lives, and write how far it is.

    Raises:
        RunLost: the run is not this worker's any more.
    """
    if not own(run).update(heartbeat_at=timezone.now(), **fields):
        raise RunLost(f"Run {run.pk} was taken from this worker.")


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


def release(run: TrainingRun, why: str = STOPPED, **fields: object) -> bool:
    """Let a run wait again whose worker was stopped on purpose, or whose trainer had no room: no try counts.

    Args:
        fields: other fields of the run to set.
    Effects:      run queued, or superseded where another is queued already; `queued` event.
    Transaction:  opens one.
    Returns:
        Whether the run was still that worker's.
    """
    with transaction.atomic():
        ShopTraining.objects.hold(run.shop_id)
        values: dict[str, object] = {
            "status": Status.QUEUED,
            "phase": Phase.WAITING,
            "progress": 0.0,
            "worker_token": "",
        }
        if _hand_over(run):
            values = {"status": Status.SUPERSEDED, "phase": Phase.DONE, "finished_at": timezone.now()}
        if not own(run).update(**{"woken_at": None} | values | fields):
            return False
        if why != run.message:
            announce(run, QUEUED, why)
    return True


def _fail(run: TrainingRun, rows: QuerySet[TrainingRun], error: str) -> bool:
    with transaction.atomic():
        # The shop's row first, then the run's, as everywhere: no two callers wait for each other.
        ShopTraining.objects.hold(run.shop_id)
        error = f"{error} {_describe_next_try(run)}"
        run.status, run.error, run.finished_at = Status.FAILED, error, timezone.now()
        names = ["status", "error", "finished_at", "set_aside", "worker_lost"]
        names += ["metrics"] if WAITS_FOR in run.metrics else []
        if not rows.update(**{name: getattr(run, name) for name in names}):
            return False
        _hand_over(run)
        announce(run, FAILED, error)
    return True


def _hand_over(run: TrainingRun) -> bool:
    """Leave a run's work to the one that is queued already, if there is one."""
    later = waiting(run.shop_id, run.kind)
    if later is None:
        return False
    TrainingRun.objects.filter(pk=later.pk).update(fresh=later.fresh or run.fresh)
    after_commit(wake_worker, later.pk, later.kind)
    return True


def _describe_next_try(run: TrainingRun) -> str:
    if tries(run) < settings.MAX_ATTEMPTS or run.metrics.get(WAITS_FOR):
        return "It is tried again by itself."
    return f"It was tried {run.attempts} times and is not tried again by itself."
