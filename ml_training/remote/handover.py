"""Hands a run to the external trainer of the settings instead of training it here.

The protocol is in docs/external-trainer.md.
"""

import logging
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from ml_training.backbones import tuned
from ml_training.backbones.loader import find_backbone
from ml_training.dataset import ndjson
from ml_training.dataset.manifest import Manifest, read_manifest
from ml_training.models import RunToken, TrainingRun
from ml_training.recognizer.backbone import Backbone
from ml_training.remote import tokens as run_tokens
from ml_training.runs import lifecycle
from ml_training.runs.complete import complete
from ml_training.runs.lifecycle import Phase, RunLost
from ml_training.storage import storage
from ml_training.versions import files as version_files

logger = logging.getLogger(__name__)
FORMAT = "shelfsight-train/1"
ANSWER_SECONDS = 15
NO_ROOM = {409, 429, 500, 502, 503, 504}  # answers after which the same run is offered again


class TrainerRefused(RuntimeError):
    """Raised when the trainer will not take a run, now or later."""


def hand_over(run_id: int) -> TrainingRun | None:
    """Claim a run and give it to the trainer.

    A trainer that has no room or cannot be reached gets the run again later: it is queued, not failed.

    Returns:
        The run, or None when there was nothing to claim.
    Effects:      status training with the trainer's name, a RunToken, the manifest in the model storage; or
                  queued again, or failed with what the trainer said.
    Repeatable:   yes; only one caller can claim a run.
    """
    run = lifecycle.claim(run_id, announced=False)
    if run is None:
        return None
    try:
        _offer(run)
    except RunLost:
        logger.warning("Run %s was taken from this worker while it was handed over.", run.pk)
    except BaseException as error:  # also the queue's timeout, which is a SystemExit
        logger.exception("Run %s could not be handed over.", run.pk)
        text = str(error) if isinstance(error, TrainerRefused) else f"The run was not handed over: {error}."
        if lifecycle.fail(run, text):
            version_files.discard(version_files.folder_of(run))
        if not isinstance(error, Exception):
            raise
    run.refresh_from_db()
    return run


def _offer(run: TrainingRun) -> None:
    run.trainer, run.phase = urlsplit(settings.ML_TRAINER_URL).netloc, Phase.WAITING
    lifecycle.beat(run, trainer=run.trainer, phase=run.phase)
    manifest = read_manifest(run.shop_id)
    if len(manifest.products) < 2:
        run.products, run.photos = len(manifest.products), len(manifest.photos)
        complete(run, None, manifest.describe_missing())
        return
    keep_manifest(run, manifest)
    backbone = find_backbone(run.backbone)
    job = describe_job(run, backbone, run_tokens.issue(run))
    try:
        answer = httpx.post(
            f"{settings.ML_TRAINER_URL}/v1/train",
            json=job,
            headers={"Authorization": f"Bearer {settings.ML_TRAINER_TOKEN}"},
            timeout=ANSWER_SECONDS,
            trust_env=False,  # no proxy of the environment gets the tokens
        )
    except httpx.TransportError as error:
        hand_back(run, f"The trainer at {run.trainer} cannot be reached ({error}). It is asked again.")
        return
    if answer.status_code == 202:
        lifecycle.beat(run, worker_pid=None)  # from here on the trainer's reports are the heartbeat
        logger.info("Run %s was handed to the trainer at %s.", run.pk, run.trainer)
    elif answer.status_code in NO_ROOM:
        busy = "is still training this shop" if answer.status_code == 409 else "has no room for the run now"
        hand_back(run, f"The trainer at {run.trainer} {busy}. It is asked again.")
    else:
        reason = answer.text.strip()[:300] or "nothing more"
        raise TrainerRefused(
            f"The trainer at {run.trainer} refused the run ({answer.status_code}: {reason}). "
            "Check ML_TRAINER_URL, ML_TRAINER_TOKEN and the trainer's log."
        )


def describe_job(run: TrainingRun, backbone: Backbone, token) -> dict:
    """The body of `POST /v1/train`."""
    return {
        "format": FORMAT,
        "shop": run.shop_id,
        "run": run.pk,
        "fresh": run.fresh,
        "manifest_url": public_url("run-manifest", run.pk),
        "webhook_url": public_url("run-status", run.pk),
        "completion_url": public_url("graphql"),
        "backbone": {
            "id": backbone.id,
            "sha256": backbone.sha256,
            "vector_size": backbone.vector_size,
            "preprocessing": backbone.preprocessing.as_json(),
            "url": public_url("run-backbone", run.pk),
        },
        "token": token.value,
        "expires_at": token.expires_at.isoformat(),
    }


def public_url(name: str, *args) -> str:
    return settings.PUBLIC_URL + reverse(name, args=args)


def keep_manifest(run: TrainingRun, manifest: Manifest) -> None:
    """Write down what this run learns from; it is removed when the run ends."""
    extracted_at = timezone.now().isoformat()
    about = {"shop": run.shop_id, "run": run.pk, "version": run.generation, "extracted_at": extracted_at}

    def url_of(photo):
        return public_url("run-photo", run.pk, photo.pk)

    learned = tuned.learned_by(run.backbone)
    content = b"".join(ndjson.write_lines(manifest, about, url_of, learned))
    storage().save(manifest_path(run), ContentFile(content))


def manifest_path(run: TrainingRun) -> str:
    return f"{version_files.folder_of(run)}/{ndjson.NAME}"


def hand_back(run: TrainingRun, why: str) -> None:
    """Queue a run again that the trainer did not take. The reconciler wakes a worker for it in a while."""
    now, folder = timezone.now(), version_files.folder_of(run)
    lifecycle.release(
        run,
        why,
        message=why,
        trainer="",
        worker_pid=None,
        started_at=None,
        heartbeat_at=now,
        woken_at=now,
    )
    RunToken.objects.filter(run=run).delete()  # whoever kept it has no run any more
    logger.warning("Run %s: %s", run.pk, why)
    version_files.discard(folder)
