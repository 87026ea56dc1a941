"""Trains a shop's recognizer: one run from claim to active version, in five stages.

TrainingSet → Vectors → Fitted → Evidence → Version; each takes what the one before it made.
"""

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from django.core.files.storage import default_storage

from ml_training.backbones import tuned
from ml_training.backbones.loader import open_embedder_of
from ml_training.dataset.embeddings import (
    FILE_ABSENT,
    EmbeddingTable,
    count_stored,
    load_embeddings,
    looks_of_few,
)
from ml_training.dataset.manifest import Manifest, read_manifest
from ml_training.gate.evidence import Evidence, gather_evidence
from ml_training.models import ModelVersion, TrainingRun
from ml_training.recognizer.covariance import Looks
from ml_training.recognizer.embedder import Embedder
from ml_training.recognizer.train import Fitted, fit_model
from ml_training.runs import lifecycle
from ml_training.runs.complete import complete
from ml_training.runs.heartbeat import Heartbeat
from ml_training.runs.lifecycle import Phase, RunLost
from ml_training.runs.progress import Progress
from ml_training.versions import files as version_files
from ml_training.versions.publish import CHECK_PHOTOS, TrainedModel, publish

logger = logging.getLogger(__name__)
MANY_ABSENT = 3  # files; fewer are photos that were lost one by one


class PhotosNotHere(RuntimeError):
    """Raised when this computer does not see the files of many photos; says where they should be."""


def run_job(run_id: int, on_change: Callable[[TrainingRun], None] | None = None) -> TrainingRun | None:
    """Claim a run and bring it to its end.

    Args:
        on_change: called with the run at every phase and now and then within one.
    Returns:
        The run as it ended, or None when there was nothing to claim or the shop is gone.
    Effects:      see `claim`, `complete` and `fail` in `lifecycle`; files in the model storage.
    Repeatable:   yes; only one caller can claim a run.
    """
    run = lifecycle.claim(run_id)
    if run is None:
        return None
    with closing(run, let_go=lifecycle.release), Heartbeat(run) as heartbeat:
        _train(run, Progress(run, heartbeat, on_change))
    ended = TrainingRun.objects.filter(pk=run.pk).first()
    if ended is None:  # the shop was deleted, perhaps before this run stored its files
        version_files.remove_shop_on_commit(run.shop_id)
    return ended


@contextmanager
def closing(run: TrainingRun, let_go: Callable[[TrainingRun], bool]) -> Iterator[None]:
    """Bring a claimed run to an end whatever happens to it, and remove the files of one that made nothing.

    Args:
        let_go: called when a person in the foreground interrupts it; answers whether the run was still ours.
    """
    folder = version_files.folder_of(run)
    try:
        yield
    except RunLost:
        logger.warning("Run %s was cancelled or taken from this worker; its result is dropped.", run.pk)
        version_files.discard(folder)
    except KeyboardInterrupt:  # what is owed stays owed
        if let_go(run):  # if not, it had published already
            version_files.discard(folder)
        raise
    except BaseException as error:  # also the queue's timeout, which is a SystemExit
        logger.exception("Run %s failed.", run.pk)
        if isinstance(error, PhotosNotHere):
            run.metrics = {**run.metrics, lifecycle.WAITS_FOR: "photos"}
        if lifecycle.fail(run, describe_failure(error)):  # if not, it had published already
            version_files.discard(folder)
        if not isinstance(error, Exception):
            raise


def describe_failure(error: BaseException) -> str:
    """Say what stopped a run, and what to do."""
    if isinstance(error, MemoryError):
        return "The worker ran out of memory. Give it more, or set COMPUTE_THREADS lower."
    if not isinstance(error, Exception):
        return "The run was stopped before it was done."
    text = str(error).strip() or type(error).__name__
    return f"Training stopped: {text.rstrip('.')}. The worker's log has more."


@dataclass(frozen=True)
class TrainingSet:
    """What a run learns from: the shop's photos as they are now, and the encoder that looks at them."""

    embedder: Embedder
    manifest: Manifest


@dataclass(frozen=True)
class Vectors:
    """The photos that could be used, as the head learns them."""

    embedder: Embedder
    usable: Manifest
    by_sha256: dict[str, np.ndarray]  # each (D,) float32

    def matrix(self) -> np.ndarray:
        """(N, D) float32, rows in the order of the manifest's photos."""
        return np.stack([self.by_sha256[photo.sha256] for photo in self.usable.photos])

    def looks(self) -> Looks | None:
        """At the photos of products that have few, as they were kept."""
        return looks_of_few(EmbeddingTable(self.embedder.backbone.id), self.usable)


def _train(run: TrainingRun, progress: Progress) -> None:
    progress.enter(Phase.PREPARING)
    training_set = TrainingSet(open_embedder_of(run.backbone), read_manifest(run.shop_id))
    progress.enter(Phase.EMBEDDING)
    vectors = embed(run, training_set, progress)
    version, message = None, vectors.usable.describe_missing()
    if len(vectors.usable.products) >= 2:
        matrix = vectors.matrix()
        fitted = _fit(run, vectors, matrix, progress)
        evidence = gather_evidence(run.shop_id, vectors.usable, matrix, fitted.copies, run.backbone)
        version, message = publish_fitted(run, vectors, fitted, progress, evidence), _describe_check(run)
    run.metrics = progress.finish()
    complete(run, version, message, vectors.usable)


def embed(run: TrainingRun, training_set: TrainingSet, progress: Progress) -> Vectors:
    """Look at the photos, and note on the run how many there are and which cannot be used."""
    embedder, manifest = training_set.embedder, training_set.manifest
    hashes = [*manifest.copies]
    unseen = len(hashes) - (0 if run.fresh else count_stored(embedder.backbone.id, hashes))
    by_sha256, skipped = load_embeddings(embedder, manifest, progress.within, fresh=run.fresh)
    check_files_are_here([reason for _, reason in skipped], unseen)
    usable = manifest.without({photo.pk for photo, _ in skipped})
    run.set_aside = [photo.as_json(reason) for photo, reason in skipped]
    run.products, run.photos = len(usable.products), len(usable.photos)
    return Vectors(embedder, usable, by_sha256)


def check_files_are_here(reasons: list[str], looked_for: int) -> None:
    """Tell a photo that is lost from a folder of photos that this computer does not see.

    Args:
        reasons: why photos were skipped.
        looked_for: files that were to be read.
    Raises:
        PhotosNotHere: many of them are absent.
    """
    absent = reasons.count(FILE_ABSENT)
    if absent >= MANY_ABSENT and absent * 10 > looked_for:
        raise PhotosNotHere(
            f"{absent} of {looked_for} photo files are not on this computer ({socket.gethostname()}), where "
            f"they should be in {_photo_folder()}. Check that the disk is there, and that all "
            "computers of the site share this folder. No photo is lost by this"
        )


def _photo_folder() -> str:
    return str(getattr(default_storage, "location", "the photo storage"))


def _fit(run: TrainingRun, vectors: Vectors, matrix: np.ndarray, progress: Progress) -> Fitted:
    progress.enter(Phase.FITTING)
    usable, looks = vectors.usable, vectors.looks()
    unseen = usable.unseen_by(tuned.learned_by(run.backbone))
    return fit_model(matrix, usable.labels, partial(progress.enter, Phase.EVALUATING), unseen, looks)


def publish_fitted(
    run: TrainingRun, vectors: Vectors, fitted: Fitted, progress: Progress, evidence: Evidence | None = None
) -> ModelVersion:
    """Publish what was fitted to these vectors, see `publish`."""
    progress.enter(Phase.PUBLISHING)
    usable = vectors.usable
    model = TrainedModel.of(fitted, usable, evidence.as_json() if evidence else None)
    return publish(run, vectors.embedder, model, usable.spread(CHECK_PHOTOS), vectors.by_sha256)


def _describe_check(run: TrainingRun) -> str:
    """For a run that looked at every photo again, or that found bad ones: how many there are."""
    aside = len(run.set_aside)
    if not (run.fresh or aside):
        return ""
    found = f"{aside} set aside" if aside else "all of them good"
    return f"{run.photos + aside} photos checked, {found}."
