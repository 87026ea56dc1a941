"""Trains one job: started → manifest, backbone, photos → fit → completeTraining, or a failure."""

import logging
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from catalog.photo_files import open_upright
from ml_training.dataset import ndjson
from ml_training.dataset.embeddings import load_embeddings, looks_of_few
from ml_training.dataset.manifest import Manifest, ManifestPhoto
from ml_training.recognizer.backbone import Backbone
from ml_training.recognizer.covariance import Looks
from ml_training.recognizer.export import ModelFile, build_files
from ml_training.recognizer.preprocess import Preprocessing, to_pixels
from ml_training.recognizer.train import fit_model
from ml_training.runs.lifecycle import Phase
from ml_training.trainer.cache import BackboneCache
from ml_training.trainer.hosts import AllowedHosts
from ml_training.trainer.jobs import Job
from ml_training.trainer.project import Project, ProjectFailed, RunGone
from ml_training.trainer.reporter import Reporter
from ml_training.versions import files as version_files
from ml_training.versions.publish import TrainedModel

logger = logging.getLogger(__name__)
MAX_PIXELS = 300 * 1000**2  # the project has its own, lower limit; this one saves the trainer's memory


class Trainer:
    """What is needed to train any job: where it may fetch and keep, and with how many threads it computes."""

    def __init__(self, hosts: AllowedHosts, folder: Path, threads: int, max_photo: int):
        self._hosts, self._max_photo = hosts, max_photo
        self._cache = BackboneCache(folder, threads)

    def do(self, job: Job, stop: threading.Event) -> None:
        """Train a job and tell its project how it ended. Nothing is raised: there is nobody to catch it."""
        with Project(job, self._hosts, stop, self._max_photo) as project:
            try:
                project.report("started")
                with Reporter(project, stop) as reporter:
                    files = self._train(project, reporter)
                    project.complete(files)
                logger.info("Run %s of shop %s is done.", job.run, job.shop)
            except RunGone as gone:
                logger.warning("Run %s was given up: %s", job.run, gone)
                if stop.is_set():
                    _report_failure(project, "the trainer was stopped")
            except Exception as error:
                logger.exception("Run %s failed.", job.run)
                _report_failure(project, str(error).strip().rstrip(".") or type(error).__name__)

    def _train(self, project: Project, reporter: Reporter) -> dict[str, ModelFile]:
        job = project.job
        manifest = ndjson.read_lines(project.manifest_lines())

        def read(copies: Sequence[ManifestPhoto], preprocessing: Preprocessing) -> np.ndarray:
            data = project.photo(copies[0].path, copies[0].sha256)
            return to_pixels(open_upright(data, preprocessing.decode_side, MAX_PIXELS), preprocessing)

        with self._cache.use(job, project.backbone) as (embedder, store):
            reporter.enter(Phase.EMBEDDING)
            vectors, set_aside = load_embeddings(embedder, manifest, reporter.within, job.fresh, store, read)
            usable = manifest.without({photo.pk for photo, _ in set_aside})
            looks = looks_of_few(store, usable)
            files = _fit(manifest, usable, vectors, looks, set_aside, embedder.backbone, reporter)
        reporter.check()
        return files


def _fit(
    manifest: Manifest,
    usable: Manifest,
    vectors: dict[str, np.ndarray],
    looks: Looks | None,
    set_aside: list[tuple[ManifestPhoto, str]],
    backbone: Backbone,
    reporter: Reporter,
) -> dict[str, ModelFile]:
    """Fit a head, and put it with what it says of the photos into a model's files."""
    if len(usable.products) < 2:
        raise ProjectFailed(usable.describe_missing())
    reporter.enter(Phase.FITTING)
    matrix = np.stack([vectors[photo.sha256] for photo in usable.photos])  # (N, D)
    evaluating, unseen = partial(reporter.enter, Phase.EVALUATING), usable.unseen_by(manifest.learned)
    fitted = fit_model(matrix, usable.labels, evaluating, unseen, looks)
    metadata = version_files.metadata(usable, None, fitted.head, fitted.metrics)
    model = TrainedModel.of(fitted, usable)
    metadata |= {"judged": model.cross_validated, **model.evidence}
    metadata["set_aside"] = [{"photo": photo.pk, "reason": reason} for photo, reason in set_aside]
    return build_files(backbone, fitted.head, metadata)


def _report_failure(project: Project, reason: str) -> None:
    try:
        project.report("failed", message=reason)
    except (RunGone, ProjectFailed) as error:
        logger.warning("The failure of run %s could not be reported: %s", project.job.run, error)
