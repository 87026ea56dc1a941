"""Takes what an external trainer reports of a run, and the model it ends with.

Status is written through `runs` only.
"""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from catalog.models import ProductImage
from ml_training.backbones.loader import open_embedder_of
from ml_training.dataset import ndjson
from ml_training.dataset.manifest import Manifest, ManifestPhoto
from ml_training.events import STARTED, announce, emit_progress, trigger_in_words
from ml_training.models import ShopTraining, TrainingRun
from ml_training.remote import handover
from ml_training.remote.tokens import BAD_INPUT, RUN_FINISHED, CallbackRefused
from ml_training.remote.verify import ModelRefused, clean_text, publish_verified, read_files
from ml_training.runs import lifecycle
from ml_training.runs.complete import complete
from ml_training.runs.heartbeat import Heartbeat
from ml_training.runs.lifecycle import Phase, RunLost
from ml_training.runs.progress import BEGINS, PUSH_SECONDS
from ml_training.storage import storage
from ml_training.versions import files as version_files
from ml_training.versions.publish import CHECK_PHOTOS

logger = logging.getLogger(__name__)
KINDS = ("started", "progress", "failed")
PHASES = (Phase.PREPARING, Phase.EMBEDDING, Phase.FITTING, Phase.EVALUATING)


@dataclass(frozen=True)
class Report:
    """What a trainer says of its run."""

    kind: str  # started, progress or failed
    phase: str = ""  # one of PHASES, or empty for no change
    percent: float = 0.0  # of the trainer's own work
    message: str = ""

    def __post_init__(self):
        if self.kind not in KINDS:
            raise CallbackRefused(BAD_INPUT, f"kind must be one of: {', '.join(KINDS)}.")
        if self.phase not in ("", *PHASES):
            raise CallbackRefused(BAD_INPUT, f"phase must be one of: {', '.join(PHASES)}.")
        is_number = isinstance(self.percent, int | float) and not isinstance(self.percent, bool)
        if not (is_number and 0 <= self.percent <= 100):  # neither is NaN
            raise CallbackRefused(BAD_INPUT, "percent must be a number from 0 to 100.")
        if not isinstance(self.message, str):
            raise CallbackRefused(BAD_INPUT, "message must be text.")

    @property
    def text(self) -> str:
        return clean_text(self.message)


def take_report(run: TrainingRun, report: Report) -> None:
    """Note what a trainer says: its heartbeat, how far it is, or that it failed.

    Effects:      heartbeat, phase, progress; a `started`, `progress` or `failed` event.
    Repeatable:   yes; a report that comes late does not turn the bar back.
    Raises:
        CallbackRefused: the run has ended meanwhile.
    """
    try:
        if report.kind == "failed":
            reason = report.text.rstrip(".") or "no reason"
            if not _fail(run, f"The trainer at {run.trainer} reports: {reason}."):
                raise RunLost
            return
        _begin(run)
        if report.kind == "progress":
            _note_progress(run, report)
    except RunLost as lost:
        raise CallbackRefused(RUN_FINISHED, f"Run {run.pk} has ended meanwhile.") from lost


def _begin(run: TrainingRun) -> None:
    """With a trainer's first word the run has started; every other word is a heartbeat."""
    if run.phase != Phase.WAITING:
        return
    with transaction.atomic():
        _lock(run)
        if run.phase != Phase.WAITING:
            return
        run.phase, run.started_at = Phase.PREPARING, timezone.now()
        lifecycle.beat(run, phase=run.phase, message="", started_at=run.started_at, worker_pid=None)
        announce(run, STARTED, trigger_in_words(run))


def _lock(run: TrainingRun) -> None:
    """Hold the shop's row and read the run again; raises RunLost if it is not this trainer's any more."""
    ShopTraining.objects.hold(run.shop_id)
    try:
        run.refresh_from_db(from_queryset=lifecycle.own(run))
    except TrainingRun.DoesNotExist as gone:
        raise RunLost(f"Run {run.pk} was taken from its trainer.") from gone


def _note_progress(run: TrainingRun, report: Report) -> None:
    just_now = timezone.now() - timedelta(seconds=PUSH_SECONDS)
    if run.heartbeat_at and run.heartbeat_at > just_now and report.phase in ("", run.phase):
        return
    with transaction.atomic():
        _lock(run)
        if run.phase == Phase.PUBLISHING:  # the model has overtaken this report
            lifecycle.beat(run)
            return
        run.phase = report.phase or run.phase
        run.progress = max(run.progress, report.percent / 100 * BEGINS[Phase.PUBLISHING])
        lifecycle.beat(run, phase=run.phase, progress=run.progress, message=report.text)
    _push(run)


def _push(run: TrainingRun) -> None:
    """Tell open pages. Reports reach any web process, so their order is told by the time since the start."""
    run.sequence = ShopTraining.objects.values_list("sequence", flat=True).get(shop_id=run.shop_id)
    spent = timezone.now() - (run.started_at or timezone.now())
    emit_progress(run, step=int(spent.total_seconds() * 1000))


def _fail(run: TrainingRun, error: str) -> bool:
    failed = lifecycle.fail(run, error)
    if failed:
        version_files.discard(version_files.folder_of(run))
    return failed


def take_model(run: TrainingRun, files: dict) -> TrainingRun:
    """Verify the model a trainer ends its run with, publish it and make it the active one.

    Args:
        files: Django's uploaded files by kind: `model_json`, `weights`, `metadata`.
    Effects:      see `publishing.publish` and `training.complete`. A model that is refused fails the run.
    Raises:
        CallbackRefused: the run has ended or is being completed already.
        ModelRefused: what came is not used; says why.
    """
    folder = version_files.folder_of(run)
    try:
        _enter_publishing(run)
    except RunLost as lost:
        raise CallbackRefused(RUN_FINISHED, f"Run {run.pk} has ended meanwhile.") from lost
    try:
        with Heartbeat(run):
            _publish(run, files)
    except RunLost as lost:
        version_files.discard(folder)
        raise CallbackRefused(RUN_FINISHED, f"Run {run.pk} has ended meanwhile.") from lost
    except ModelRefused as refused:
        logger.warning("The model of run %s was refused (%s): %s", run.pk, refused.code, refused)
        _fail(run, f"What the trainer at {run.trainer} sent was refused: {refused}")
        raise
    except Exception:
        _fail(run, "What the trainer sent could not be published. The web server's log has more.")
        raise
    run.refresh_from_db()
    return run


def _enter_publishing(run: TrainingRun) -> None:
    """Let one completion in: of two at once, the second is a repetition."""
    with transaction.atomic():
        _lock(run)
        if run.phase == Phase.PUBLISHING:
            raise CallbackRefused(RUN_FINISHED, f"The model of run {run.pk} was taken already.")
        run.phase, run.progress = Phase.PUBLISHING, BEGINS[Phase.PUBLISHING]
        lifecycle.beat(run, phase=run.phase, progress=run.progress, worker_pid=None)
    _push(run)


def _publish(run: TrainingRun, files: dict) -> None:
    embedder, manifest = open_embedder_of(run.backbone), run_manifest(run)
    model, set_aside = read_files(manifest, embedder.backbone, files)
    version = publish_verified(run, embedder, model, still_stored(model.usable.spread(CHECK_PHOTOS)))
    version_files.discard_file(handover.manifest_path(run))
    run.products, run.photos = version.products, version.photos
    run.set_aside = [photo.as_json(reason) for photo, reason in set_aside]
    seconds = (timezone.now() - (run.started_at or timezone.now())).total_seconds()
    run.metrics = {"trainer": run.trainer, "seconds": round(seconds, 3)}
    complete(run, version, f"It was trained at {run.trainer}.", model.usable)


def run_manifest(run: TrainingRun) -> Manifest:
    """What the trainer was given to learn from."""
    with storage().open(handover.manifest_path(run), "rb") as file:
        return ndjson.read_lines(file)


def still_stored(photos: list[ManifestPhoto]) -> list[ManifestPhoto]:
    """Those photos of a run's manifest that are still in the catalogue, with their place in the storage."""
    rows = ProductImage.objects.filter(pk__in=[photo.pk for photo in photos])
    paths = dict(rows.values_list("pk", "image"))
    return [replace(photo, path=paths[photo.pk]) for photo in photos if photo.pk in paths]
