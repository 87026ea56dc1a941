"""Brings a run to its end; with `queueing` the only writer of a run's status.

queued → training → completed | failed | superseded
"""

import os
import socket
import uuid
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
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

Status = TrainingRun.Status
Phase = TrainingRun.Phase
Kind = TrainingRun.Kind
OTHER_BACKBONE = {  # why a version is held back whose backbone is not the shop's any more, by kind of run
    Kind.QUICK: "It was made while another version took over; what it learned is learned again for that one.",
    Kind.DEEP: "Another version was activated while it trained, on a backbone that it was not compared with. "
    "Activate it if you want it all the same.",
}
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


def complete(
    run: TrainingRun,
    version: ModelVersion | None,
    message: str = "",
    learned: Manifest | None = None,
    compared_with: str = "",
) -> None:
    """Finish a run and make its version the active one, or finish without a version and say why.

    The version is judged before the shop's row is held, so that nobody waits for the gate. Should another
    version have become active meanwhile, it is judged again.

    Args:
        message: what else there is to say.
        learned: the photos that the version learned.
        compared_with: the id of the backbone that a deep run won against; a quick run's is its own.
    Effects:      run completed; ModelVersion and LearnedPhoto rows; ShopTraining.trained and, unless the
                  version is held back, active_version; a run for what changed meanwhile; `completed` event;
                  files of old versions removed on commit.
    Transaction:  opens one: the version is active for everyone or does not exist.
    Raises:
        RunLost: the run is not this worker's any more; nothing was written.
    """
    backbone = compared_with if run.kind == Kind.DEEP else run.backbone
    while True:
        judgement = _judge(run, version, backbone) if version else None
        with transaction.atomic():
            state = ShopTraining.objects.hold(run.shop_id)
            if state is None:
                raise RunLost(f"The shop of run {run.pk} is gone.")
            if judgement and not judgement.holds_for(state):
                continue
            _finish(run, f"{judgement.outcome} {message}".strip() if judgement else message)
            if judgement:
                _store(run, judgement, learned)
            elif run.kind == Kind.QUICK:
                _note_trained(run)
            announce(run, COMPLETED, run.message, is_warning=_needs_a_look(run, judgement))
            if run.kind == Kind.QUICK or (judgement and not judgement.held_back):
                state.refresh_from_db()
                queue_or_wake(state)
            return


@dataclass(frozen=True)
class _Judgement:
    """What the gate says of a version, and of which state of its shop it says so."""

    version: ModelVersion
    number: int  # of the version: sentences name it
    active: int | None  # id of the version that it was compared with
    held_back: str  # why; empty for a version that may take over
    is_owed: bool  # whether what it learned must be learned again

    @property
    def outcome(self) -> str:
        return self.held_back or f"Version {self.number} is active."

    def holds_for(self, state: ShopTraining) -> bool:
        """Whether the shop is still as it was when the version was judged."""
        is_next = self.number == version_files.next_number(state.shop_id)
        return is_next and state.active_version_id == self.active


def _judge(run: TrainingRun, version: ModelVersion, backbone: str) -> _Judgement:
    """Compare a version with the active one.

    Args:
        backbone: the id of the one that must still be the shop's: it was trained or compared with it.
    Effects:      the version's number, in its files too, if another version took it meanwhile.
    """
    version_files.take_next_number(version)
    state = ShopTraining.objects.select_related("active_version").filter(shop_id=run.shop_id).first()
    active = state.active_version if state else None
    is_other = backbone not in ("", backbone_id_for(run.shop_id))
    held_back = OTHER_BACKBONE[Kind(run.kind)] if is_other else find_regressions(active, version)
    return _Judgement(version, version.number, active.pk if active else None, held_back, is_other)


def _finish(run: TrainingRun, message: str) -> None:
    """Write that a run is completed, as long as it is this worker's."""
    run.status, run.phase, run.progress = Status.COMPLETED, Phase.DONE, 1.0
    run.message, run.finished_at = message, timezone.now()
    changed = ("status", "phase", "progress", "message", "finished_at", "products", "photos", "backbone")
    values = {name: getattr(run, name) for name in (*changed, "set_aside", "metrics")}
    if not own(run).update(**values):
        raise RunLost(f"Run {run.pk} was taken from this worker.")


def _store(run: TrainingRun, judgement: _Judgement, learned: Manifest | None) -> None:
    """Save a run's version, make it active unless it is held back, and note what is trained by now."""
    version = judgement.version
    version.held_back = judgement.held_back
    version.changes = note_learned(version.shop_id, version.number, learned)
    version.save()
    prune_on_commit(run.shop_id)
    state = ShopTraining.objects.filter(shop_id=run.shop_id)
    if not version.held_back:
        state.update(active_version=version)
    if run.kind == Kind.QUICK and not judgement.is_owed:
        _note_trained(run)
    elif run.kind == Kind.DEEP and not version.held_back:
        # What a quick run learned meanwhile is not in this version: it is owed again.
        state.update(trained=run.generation)


def _note_trained(run: TrainingRun) -> None:
    """Note that a quick run included the photos as they were when it was claimed."""
    shop = ShopTraining.objects.filter(shop_id=run.shop_id)
    shop.update(trained=Greatest("trained", run.generation))


def _needs_a_look(run: TrainingRun, judgement: _Judgement | None) -> bool:
    """Whether somebody should look: a version was held back, or a quick run made none."""
    return bool(judgement.held_back) if judgement else run.kind == Kind.QUICK


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
