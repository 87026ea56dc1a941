"""Keeps backbones that were tuned for a shop: their files in the model storage, their rows, their vectors.

A process that computes with one fetches its file into the cache once.
"""

import hashlib
import logging
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone

from ml_training.models import ImageEmbedding, ModelVersion, TrainingRun, TunedBackbone
from ml_training.recognizer.backbone import Backbone, file_sha256
from ml_training.recognizer.files import READABLE, write_atomically
from ml_training.recognizer.preprocess import preprocessing_from_json
from ml_training.storage import storage

logger = logging.getLogger(__name__)
KEPT_UNUSED = timedelta(hours=1)  # a backbone without a version may be about to get one


class TunedFileMissing(RuntimeError):
    """Raised when the stored file of a tuned backbone is missing or damaged; names the backbone."""


def keep(shop_id: int, base: Backbone, file: Path, learned: list[str]) -> TunedBackbone:
    """Store a tuned backbone's file and describe it.

    Effects:      a file in the model storage; a TunedBackbone row.
    Repeatable:   yes; the same file is kept once.
    """
    content = file.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"{base.id}-shop{shop_id}-{sha256[:12]}"
    path = f"{shop_id}/backbone-{sha256[:16]}/backbone.onnx"
    if not storage().exists(path):
        storage().save(path, ContentFile(content))
    row, _ = TunedBackbone.objects.update_or_create(
        backbone=name,
        defaults={
            "shop_id": shop_id,
            "base": base.id,
            "path": path,
            "sha256": sha256,
            "preprocessing": base.preprocessing.as_json(),
            "vector_size": base.vector_size,
            "learned": sorted(learned),
            "created_at": timezone.now(),
        },
    )
    return row


def fetch(row: TunedBackbone) -> Backbone:
    """A tuned backbone as a file of this machine, checked when it is fetched.

    Raises:
        TunedFileMissing: the stored file is missing or damaged.
    """
    path = settings.CACHE_DIR / "backbones" / f"{row.sha256}.onnx"
    if not path.exists() or file_sha256(path) != row.sha256:
        try:
            with storage().open(row.path, "rb") as file:
                content = file.read()
        except OSError as error:
            raise TunedFileMissing(f"The file of the backbone {row.backbone} is missing.") from error
        if hashlib.sha256(content).hexdigest() != row.sha256:
            raise TunedFileMissing(f"The file of the backbone {row.backbone} is damaged.")
        write_atomically(path, content, READABLE)
    preprocessing = preprocessing_from_json(row.preprocessing)
    return Backbone(row.backbone, path, row.sha256, preprocessing, row.vector_size)


def learned_by(backbone_id: str) -> frozenset[str]:
    """SHA-256 of the photos that a backbone has learned from; none, unless it was tuned."""
    learned = TunedBackbone.objects.filter(backbone=backbone_id).values_list("learned", flat=True).first()
    return frozenset(learned or ())


def prune() -> list[str]:
    """Forget tuned backbones that no version with files uses any more, with their files and vectors.

    Effects:      TunedBackbone and ImageEmbedding rows, files in the model storage and in this cache.
    Repeatable:   yes.
    """
    used = ModelVersion.objects.filter(has_files=True).values("backbone")
    busy = TrainingRun.objects.filter(status__in=["queued", "training"]).values("backbone")
    learning = TrainingRun.objects.filter(kind=TrainingRun.Kind.DEEP, status="training").values("shop")
    unused = TunedBackbone.objects.filter(created_at__lt=timezone.now() - KEPT_UNUSED)
    unused = unused.exclude(shop__in=learning)  # it may be about to get a version
    gone = []
    for row in unused.exclude(backbone__in=used).exclude(backbone__in=busy):
        forget(row)
        gone.append(row.backbone)
        logger.info("The backbone %s is used by no version any more and was removed.", row.backbone)
    return gone


def forget(row: TunedBackbone) -> None:
    """Remove a tuned backbone that no version uses, with its file and vectors."""
    ImageEmbedding.objects.filter(backbone=row.backbone).delete()
    storage().delete(row.path)
    storage().delete(row.path.rpartition("/")[0])
    (settings.CACHE_DIR / "backbones" / f"{row.sha256}.onnx").unlink(missing_ok=True)
    row.delete()
