"""Makes a version of model files that exist already: in the model storage, or sent along.

The files are judged by `verify` as those of an external trainer, against the photos of the shop as they are
now; nothing that is refused leaves a trace.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog.activity.rows import Activity, record
from catalog.models import Shop
from ml_training.backbones.loader import backbone_id_for, open_embedder_of
from ml_training.dataset.manifest import Manifest, read_manifest
from ml_training.events import COMPLETED, announce
from ml_training.models import ModelVersion, ShopTraining, TrainingRun
from ml_training.remote.verify import ModelRefused, publish_verified, read_files
from ml_training.runs.complete import save_version
from ml_training.runs.lifecycle import Phase, Status
from ml_training.versions import files as version_files
from ml_training.versions.publish import CHECK_PHOTOS


@dataclass(frozen=True)
class ModelAsset:
    """A file of a model that is not read yet."""

    size: int  # bytes
    read: Callable[[], bytes]


def link_model(shop: Shop, assets: dict[str, ModelAsset], activate: bool) -> ModelVersion:
    """Verify model files and make them a version of their own.

    Args:
        assets: by kind: `model_json`, `weights`, `metadata`. The ONNX files are made from them.
    Effects:      a completed TrainingRun, a ModelVersion with its files, LearnedPhoto rows, the active
                  version if asked for; a `completed` event.
    Transaction:  opens one, after everything slow is done.
    Repeatable:   no; a second call makes another version.
    Raises:
        ModelRefused: the files do not make a model of this shop.
    """
    embedder, manifest = open_embedder_of(backbone_id_for(shop.pk)), read_manifest(shop.pk)
    model, set_aside = read_files(manifest, embedder.backbone, assets)
    run = _begin(shop, model.usable, [photo.as_json(reason) for photo, reason in set_aside])
    try:
        version = publish_verified(run, embedder, model, model.usable.spread(CHECK_PHOTOS))
        _finish(run, version, model.usable, activate)
    except BaseException as error:
        version_files.discard(version_files.folder_of(run))
        TrainingRun.objects.filter(pk=run.pk).delete()
        if isinstance(error, IntegrityError):
            taken = "Another version was made at the same moment. Ask again."
            raise ModelRefused("NUMBER_TAKEN", taken) from error
        raise
    return version


def _begin(shop: Shop, learned: Manifest, set_aside: list[dict]) -> TrainingRun:
    """The run is superseded, which no list shows, until everything has gone well."""
    return TrainingRun.objects.create(
        shop=shop,
        status=Status.SUPERSEDED,
        phase=Phase.DONE,
        trigger=[{"kind": "linked", "product": "", "count": 1}],
        worker_token=uuid.uuid4().hex,
        started_at=timezone.now(),
        products=len(learned.products),
        photos=len(learned.photos),
        set_aside=set_aside,
    )


def _finish(run: TrainingRun, version: ModelVersion, learned: Manifest, activate: bool) -> None:
    with transaction.atomic():
        ShopTraining.objects.hold_or_create(run.shop_id)
        does = "is active" if activate else "is there to be activated"
        run.message = f"Version {version.number} {does}; its files were linked."
        run.status, run.progress, run.finished_at = Status.COMPLETED, 1.0, timezone.now()
        run.save()
        version.chosen_at = timezone.now() if activate else None
        save_version(version, learned, serves=activate)
        announce(run, COMPLETED, run.message)
        use = "and put it in use" if activate else "without using it yet"
        record(Activity.Kind.MODEL, f"uploaded version {version.number} of the model {use}", run.shop)
