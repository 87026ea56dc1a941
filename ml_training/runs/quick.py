"""Trains a shop's recogniser: one run from claim to active version.

prepare → embed → fit → evaluate → publish
"""

import logging
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from ml_training.backbones import tuned
from ml_training.backbones.loader import open_embedder_of
from ml_training.dataset.embeddings import load_embeddings
from ml_training.dataset.manifest import read_manifest
from ml_training.gate.evidence import gather_evidence, list_copies
from ml_training.models import TrainingRun
from ml_training.recognizer.train import fit_model
from ml_training.runs import lifecycle
from ml_training.runs.heartbeat import Heartbeat
from ml_training.runs.lifecycle import Phase, RunLost
from ml_training.runs.progress import Progress
from ml_training.versions import files as version_files
from ml_training.versions.publish import CHECK_PHOTOS, TrainedModel, publish

logger = logging.getLogger(__name__)


def run_job(run_id: int, on_change: Callable[[TrainingRun], None] | None = None) -> TrainingRun | None:
    """Claim a run and bring it to its end.

    Args:
        on_change: called with the run at every phase and now and then within one.
    Returns:
        The run as it ended, or None when there was nothing to claim or the shop is gone.
    Effects:      see `training.claim`, `training.complete` and `training.fail`; files in the model storage.
    Repeatable:   yes; only one caller can claim a run.
    """
    run = lifecycle.claim(run_id)
    if run is None:
        return None
    folder = version_files.folder_of(run)
    try:
        with Heartbeat(run) as heartbeat:
            _train(run, Progress(run, heartbeat, on_change))
    except RunLost:
        logger.warning("Run %s was taken from this worker; its result is dropped.", run.pk)
        version_files.discard(folder)
    except KeyboardInterrupt:  # in the foreground; what is owed stays owed
        if lifecycle.release(run):  # if not, it had published already
            version_files.discard(folder)
        raise
    except BaseException as error:  # also the queue's timeout, which is a SystemExit
        logger.exception("Run %s failed.", run.pk)
        if lifecycle.fail(run, sentence(error)):  # if not, it had published already
            version_files.discard(folder)
        if not isinstance(error, Exception):
            raise
    ended = TrainingRun.objects.filter(pk=run.pk).first()
    if ended is None:  # the shop was deleted, perhaps before this run stored its files
        version_files.remove_shop_on_commit(run.shop_id)
    return ended


def sentence(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "The worker ran out of memory. Give it more, or set COMPUTE_THREADS lower."
    if not isinstance(error, Exception):
        return "The run was stopped before it was done."
    text = str(error).strip() or type(error).__name__
    return f"Training stopped: {text.rstrip('.')}. The worker's log has more."


def _train(run: TrainingRun, progress: Progress) -> None:
    started = time.perf_counter()
    progress.enter(Phase.PREPARING)
    embedder = open_embedder_of(run.backbone)
    manifest = read_manifest(run.shop_id)
    progress.enter(Phase.EMBEDDING)
    vectors, set_aside = load_embeddings(embedder, manifest, progress.within, fresh=run.fresh)
    run.set_aside = [photo.as_json(reason) for photo, reason in set_aside]
    usable = manifest.without({photo.pk for photo, _ in set_aside})
    run.products, run.photos = len(usable.products), len(usable.photos)
    if len(usable.products) < 2:
        run.metrics = {"phases": progress.phases, "seconds": round(time.perf_counter() - started, 3)}
        progress.finish()
        lifecycle.complete(run, None, usable.describe_missing())
        return
    progress.enter(Phase.FITTING)
    matrix = np.stack([vectors[photo.sha256] for photo in usable.photos])  # (N, D)
    unseen = usable.unseen_by(tuned.learned_by(run.backbone))
    evaluating = partial(progress.enter, Phase.EVALUATING)
    fitted = fit_model(matrix, usable.labels, evaluating, unseen)
    progress.enter(Phase.PUBLISHING)
    model = TrainedModel.of(fitted, usable)
    version = publish(run, embedder, model, usable.spread(CHECK_PHOTOS), vectors)
    version.evidence |= gather_evidence(run.shop_id, usable, matrix, run.backbone)
    version.evidence |= list_copies(usable, fitted.copies)
    progress.finish()
    run.metrics = {"phases": progress.phases, "seconds": round(time.perf_counter() - started, 3)}
    lifecycle.complete(run, version, _describe_check(run), usable)


def _describe_check(run: TrainingRun) -> str:
    """For a run that looked at every photo again, or that found bad ones: how many there are."""
    aside = len(run.set_aside)
    if not (run.fresh or aside):
        return ""
    found = f"{aside} set aside" if aside else "all of them good"
    return f"{run.photos + aside} photos checked, {found}."
