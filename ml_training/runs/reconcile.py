"""Closes every gap that a crash can leave: dead workers, lost tasks, work that is owed, files left behind.

Safe to call at any time, from any number of places.
"""

import logging
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from ml_training.backbones.loader import backbone_id_for, chosen_backbone
from ml_training.events import reconciled
from ml_training.models import ShopTraining, TrainingRun
from ml_training.runs import lifecycle, queue
from ml_training.runs.clock import forget_future
from ml_training.runs.lifecycle import WAITS_FOR, Kind, Status
from ml_training.versions import files as version_files
from ml_training.versions.prune import prune_all

logger = logging.getLogger(__name__)
RETRY_AFTER_SECONDS = 30  # doubled with every failed try
LONGEST_WAIT_SECONDS = 600
WAKE_AFTER_SECONDS = 20  # a queued run this old whose shop is not training has lost its task


@dataclass
class Reconciled:
    """What was found and mended, as ids of runs."""

    given_up: list[int]
    queued: list[int]
    woken: list[int]


def reconcile() -> Reconciled:
    """Fail runs whose worker is gone, queue what is owed, wake what waits, prune versions.

    Effects:      run status; new runs and tasks; files of dead runs and old versions removed; `reconciled`.
    Transaction:  opens one a shop.
    Repeatable:   yes; a second call finds nothing to mend.
    """
    forget_future()
    given_up = [run for run in _dead_runs() if lifecycle.give_up(run)]
    for run in given_up:
        logger.warning("The worker of run %s is gone.", run.pk)
        version_files.discard(version_files.folder_of(run))
    _ask_for_models_of_this_backbone()
    owed = ShopTraining.objects.filter(trained__lt=F("wanted")).values_list("shop_id", flat=True)
    queued = [new.pk for shop_id in owed if (new := _queue_owed(shop_id))]
    woken = queue.wake_again(queue.startable(Kind.QUICK), timedelta(seconds=WAKE_AFTER_SECONDS))
    prune_all()
    reconciled.send_robust(Reconciled)
    return Reconciled([run.pk for run in given_up], queued, woken)


def _dead_runs() -> Iterator[TrainingRun]:
    for run in TrainingRun.objects.filter(status=Status.TRAINING):
        seconds = settings.ML_TRAINER_SILENCE_SECONDS if run.trainer else settings.HEARTBEAT_LIMIT_SECONDS
        silent_since = timezone.now() - timedelta(seconds=seconds)
        if run.heartbeat_at is None or run.heartbeat_at < silent_since or _process_is_gone(run):
            yield run


def _process_is_gone(run: TrainingRun) -> bool:
    """Whether a worker on this host has died: known at once, without waiting for its heartbeat."""
    if run.worker_host != socket.gethostname() or not run.worker_pid:
        return False
    try:
        os.kill(run.worker_pid, 0)
    except OSError as error:  # a process that is not ours to signal is there
        return isinstance(error, ProcessLookupError)
    return False


def _ask_for_models_of_this_backbone() -> None:
    """After the backbone was changed, by a setting or a new release: each model is made anew, once.

    Not before the shop's photos are embedded, as long as the backbone before can go on.
    """
    chosen = chosen_backbone()
    states = ShopTraining.objects.filter(trained=F("wanted"), active_version__isnull=False)
    states = states.exclude(active_version__backbone=chosen)
    for shop_id, last in states.values_list("shop_id", "active_version__run"):
        made = TrainingRun.objects.filter(shop_id=shop_id, kind=Kind.QUICK, status=Status.COMPLETED)
        # One that was made since is held back, or there were too few photos: it is not made again.
        if made.filter(pk__gt=last, backbone=chosen).exists() or backbone_id_for(shop_id) != chosen:
            continue
        queue.request_training(shop_id, queue.Change("backbone_changed"))


def _queue_owed(shop_id: int) -> TrainingRun | None:
    with transaction.atomic():
        state = ShopTraining.objects.hold(shop_id)
        if state is None or not state.is_owed:
            return None
        runs = TrainingRun.objects.filter(shop_id=shop_id, kind=Kind.QUICK)
        if runs.filter(status__in=[Status.QUEUED, Status.TRAINING]).exists():
            return None
        last = runs.exclude(status=Status.SUPERSEDED).first()
        if last is None or last.status != Status.FAILED or last.generation != state.wanted:
            return queue.queue_owed(shop_id)
        return queue.queue_again(last) if may_try_again(last) else None


def may_try_again(last: TrainingRun) -> bool:
    """Whether a failed run of unchanged photos is tried again now: a few times, ever later.

    One that waits for something of this computer, such as a disk, is tried until it is there.
    """
    tries = queue.tries(last)
    if tries >= settings.MAX_ATTEMPTS and not last.metrics.get(WAITS_FOR):
        return False
    doubled = min(max(tries - 1, 0), 10)
    wait = timedelta(seconds=min(RETRY_AFTER_SECONDS * 2**doubled, LONGEST_WAIT_SECONDS))
    return last.worker_lost or last.finished_at is None or timezone.now() >= last.finished_at + wait
