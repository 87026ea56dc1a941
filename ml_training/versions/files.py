"""Keeps the files of model versions in the model storage.

A version's files are written once, under a folder of their own, and never changed.
"""

import hashlib
import json
import logging

from django.core.files.base import ContentFile
from django.db.models import Max
from django.utils import timezone

from api.after_commit import after_commit
from ml_training.dataset import ndjson
from ml_training.dataset.manifest import Manifest
from ml_training.models import ModelVersion, TrainingRun
from ml_training.recognizer.export import FILES, ModelFile, replace_metadata
from ml_training.recognizer.head import Head
from ml_training.storage import storage

logger = logging.getLogger(__name__)


class ModelFileDamaged(RuntimeError):
    """Raised when a stored model file is missing or is not what was published; names the file."""


def folder_of(run: TrainingRun) -> str:
    """A run's folder: another try of another worker writes elsewhere."""
    return f"{run.shop_id}/{run.pk}-{run.worker_token[:8]}"


def next_number(shop_id: int) -> int:
    last = ModelVersion.objects.filter(shop_id=shop_id).aggregate(last=Max("number"))["last"]
    return (last or 0) + 1


def take_next_number(version: ModelVersion) -> None:
    """Give a version that is not saved yet the shop's next number, in its files too if it had another.

    A run of the other kind may have published since this one asked. The caller holds the shop's row.
    """
    number = next_number(version.shop_id)
    if version.number == number:
        return
    told = json.loads(read(version, "metadata")) | {"version": number}
    files = replace_metadata(read(version, "model_json"), told)
    for file in files.values():
        storage().delete(f"{version.folder}/{file.name}")
    store(version.folder, files)
    version.number, version.files = number, version.files | describe(files)


def metadata(manifest: Manifest, number: int | None, head: Head, metrics: dict) -> dict:
    """The content of `metadata.json`; `labels` are in the head's order."""
    return {
        "version": number,
        "trained_at": timezone.now().isoformat(),
        "labels": [{"id": item.pk, "sku": item.sku, "name": item.name} for item in manifest.products],
        "counts": {"products": len(manifest.products), "photos": len(manifest.photos)},
        "calibration": {"temperature": head.temperature},
        "metrics": metrics,
    }


def describe(files: dict[str, ModelFile]) -> dict:
    return {
        kind: {"name": file.name, "sha256": file.sha256, "bytes": len(file.content)}
        for kind, file in files.items()
    }


def store(folder: str, files: dict[str, ModelFile]) -> None:
    for file in files.values():
        storage().save(f"{folder}/{file.name}", ContentFile(file.content))


def read(version: ModelVersion, kind: str) -> bytes:
    """Read one of a version's files and check it.

    Raises:
        ModelFileDamaged: it is missing or has another hash.
    """
    check_kept(version)
    described = version.files[kind]
    try:
        with storage().open(f"{version.folder}/{described['name']}", "rb") as file:
            content = file.read()
    except OSError as error:
        raise ModelFileDamaged(f"{described['name']} of version {version.number} is missing.") from error
    if hashlib.sha256(content).hexdigest() != described["sha256"]:
        raise ModelFileDamaged(f"{described['name']} of version {version.number} is damaged.")
    return content


def check_kept(version: ModelVersion) -> None:
    """Raises ModelFileDamaged for a version whose files `prune` has removed."""
    if not version.has_files:
        raise ModelFileDamaged(
            f"The files of version {version.number} were removed, as newer versions are there. "
            "Choose one that has its files."
        )


def is_present(version: ModelVersion, kind: str) -> bool:
    described = version.files.get(kind)
    return version.has_files and bool(described) and storage().exists(f"{version.folder}/{described['name']}")


def remove(folder: str) -> None:
    """Remove the files of a version that was never published, or that goes."""
    for name in (*FILES.values(), ndjson.NAME):
        storage().delete(f"{folder}/{name}")
    storage().delete(folder)


def discard(folder: str) -> None:
    """Remove what a run that failed may have stored; a storage that fails too is logged and harms nothing."""
    try:
        remove(folder)
    except Exception:
        logger.exception("The files in %s of the model storage could not be removed.", folder)


def discard_file(path: str) -> None:
    """Remove one file that nobody needs any more; a storage that fails is logged, as by `discard`."""
    try:
        storage().delete(path)
    except Exception:
        logger.exception("%s could not be removed from the model storage.", path)


def remove_shop_on_commit(shop_id: int) -> None:
    """Remove all model files of a shop once its deletion is final."""
    after_commit(_remove_shop, shop_id)


def _remove_shop(shop_id: int) -> None:
    root = str(shop_id)
    if not storage().exists(root):
        return
    for folder in storage().listdir(root)[0]:
        remove(f"{root}/{folder}")
    storage().delete(root)
