"""Brings a run to its end; with `queueing` the only writer of a run's status.

queued → training → completed | failed | superseded
"""

import os
import socket
import uuid
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from ml_training.backbones.loader import backbone_id_for
from ml_training.dataset.manifest import Manifest
from ml_training.events import COMPLETED, FAILED, QUEUED, STARTED, announce, trigger_in_words
from ml_training.gate.judge import find_regressions
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.runs.queue import queue_or_wake, tries, waiting, wake_worker
from ml_training.versions import files as version_files
from ml_training.versions.provenance import note_learned
from ml_training.versions.prune import prune_on_commit

Status, Phase, Kind = TrainingRun.Status, TrainingRun.Phase, TrainingRun.Kind
OTHER_BACKBONE = "It was made while another version took over; what it learned is learned again for that one."
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
            new |= _publish(run, version, state, learned)
            said = version.held_back or f"Version {version.number} is active."
            run.message = f"{said} {message}".rstrip()
            TrainingRun.objects.filter(pk=run.pk).update(message=run.message)
        ShopTraining.objects.filter(shop_id=run.shop_id).update(**new)
        state.refresh_from_db()
        announce(run, COMPLETED, run.message, is_warning=version is None or bool(version.held_back))
        queue_or_wake(state)


def _publish(
    run: TrainingRun, version: ModelVersion, state: ShopTraining, learned: Manifest | None
) -> dict[str, object]:
    """Save a run's version; returns what of the shop's state follows from it."""
    version_files.take_next_number(version)
    new = {}
    if run.backbone not in ("", backbone_id_for(run.shop_id)):
        # Another version was activated meanwhile, on another backbone: what changed is still owed.
        version.held_back, new = OTHER_BACKBONE, {"trained": F("trained")}
    else:
        version.held_back = find_regressions(state.active_version, version)
    version.changes = note_learned(version.shop_id, version.number, learned)
    version.save()
    prune_on_commit(run.shop_id)
    return new if version.held_back else new | {"active_version": version}


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
        error = f"{error} {_describe_next_try(run)}"
        run.status, run.error, run.finished_at = Status.FAILED, error, timezone.now()
        names = ("status", "error", "finished_at", "set_aside", "worker_lost")
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
    transaction.on_commit(partial(wake_worker, later.pk, later.kind), robust=True)
    return True


def _describe_next_try(run: TrainingRun) -> str:
    if tries(run) < settings.MAX_ATTEMPTS:
        return "It is tried again by itself."
    return f"It was tried {run.attempts} times and is not tried again by itself."
