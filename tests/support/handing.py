"""A run as a trainer has it, without a trainer process: what the tests of callbacks begin with."""

import json

import numpy as np
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from ml_training.dataset.manifest import Manifest, read_manifest
from ml_training.models import TrainingRun
from ml_training.recognizer.backbone import Backbone
from ml_training.recognizer.export import build_files
from ml_training.recognizer.head import Head
from ml_training.remote import handover
from ml_training.remote import tokens as run_tokens
from ml_training.remote.callbacks import run_manifest
from ml_training.runs import lifecycle
from ml_training.versions import files as version_files
from tests.factories import stock
from tests.support.training import queued_run

MUTATION = (
    "mutation($runId: ID, $modelJson: Upload!, $weights: Upload!, $metadata: Upload!) { completeTraining("
    "runId: $runId, modelJson: $modelJson, weights: $weights, metadata: $metadata) { version message } }"
)
NAMES = {"modelJson": "model_json", "weights": "weights", "metadata": "metadata"}


def handed_over(shop, products: int = 3, photos: int = 2) -> tuple[TrainingRun, str]:
    """Fill a shop, and do with its run what `handover` does before it asks the trainer."""
    if products:
        stock(shop, products, photos)
    run = lifecycle.claim(queued_run(shop).pk, announced=False)
    run.trainer, run.phase = "gpu.example", lifecycle.Phase.WAITING
    lifecycle.beat(run, trainer=run.trainer, phase=run.phase, worker_pid=None)
    handover.keep_manifest(run, read_manifest(shop.pk))
    return run, run_tokens.issue(run).value


def make_files(backbone: Backbone, manifest: Manifest, scale: float = 1.0, **more) -> dict[str, bytes]:
    """A sound model of a manifest, by kind; `more` joins its metadata."""
    rng = np.random.default_rng(0)
    shape = (len(manifest.products), backbone.vector_size)
    head = Head(
        rng.normal(0, scale, shape).astype(np.float32), np.zeros(shape[0], np.float32), temperature=2.0
    )
    metadata = version_files.metadata(manifest, None, head, {"photos_held_out": 3}) | more
    return {kind: file.content for kind, file in build_files(backbone, head, metadata).items()}


def files_of(run: TrainingRun, backbone: Backbone) -> dict[str, bytes]:
    return make_files(backbone, run_manifest(run))


def report(run_id: int, token: str, **said):
    """Call the webhook."""
    return Client().post(
        f"/v1/runs/{run_id}/status", said, "application/json", headers={"Authorization": f"Bearer {token}"}
    )


def complete(token: str, files: dict[str, bytes], run_id: int | None = None) -> dict:
    """Call the mutation by the multipart request specification, and return the answer."""
    variables = {"runId": run_id, **dict.fromkeys(NAMES)}
    form = {
        "operations": json.dumps({"query": MUTATION, "variables": variables}),
        "map": json.dumps({name: [f"variables.{name}"] for name in NAMES}),
    }
    for name, kind in NAMES.items():
        form[name] = SimpleUploadedFile(name, files[kind])
    return Client().post("/graphql/", form, headers={"Authorization": f"Bearer {token}"}).json()


def code_of(answer) -> str:
    """The code of an answer that is a refusal."""
    body = answer if isinstance(answer, dict) else answer.json()
    return body["errors"][0]["extensions"]["code"]
