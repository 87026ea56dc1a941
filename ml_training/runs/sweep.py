"""Removes what belongs to nothing any more: files of photos and models, thumbnails, vectors."""

import contextlib
import logging
import re
import time
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, OuterRef

from catalog.models import ProductImage
from catalog.photos import orphans
from catalog.photos.thumbnails import drop_unused_thumbnails
from ml_training.models import ImageEmbedding, ModelVersion, TrainingRun, TunedBackbone
from ml_training.storage import storage
from ml_training.versions import files as version_files

logger = logging.getLogger(__name__)
EVERY_SECONDS = 3600  # that the worker looks
FEW = 5  # folders that may all be left over
VECTORS = 2000  # that are removed at once; more wait for the next time
_OF_RUN = re.compile(r"\d+/\d+-[\w-]{1,8}")  # as `version_files.folder_of` names it
_OF_BACKBONE = re.compile(r"\d+/backbone-[0-9a-f]{16}")


def sweep_if_due() -> int:
    """Sweep, if nobody on this host has done so within EVERY_SECONDS; what fails is logged."""
    try:
        return sweep() if _is_due() else 0
    except Exception:
        logger.exception("Looking for what belongs to nothing has failed.")
        return 0


def _is_due() -> bool:
    mark = Path(settings.CACHE_DIR) / "swept"
    try:
        if 0 <= time.time() - mark.stat().st_mtime < EVERY_SECONDS:
            return False
    except FileNotFoundError:
        mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return True


def sweep(now: bool = False) -> int:
    """Remove files and rows that belong to nothing any more.

    Args:
        now: also those that are younger than a day; somebody asks for it.
    Returns:
        How many files and vectors were removed.
    Repeatable:   yes.
    """
    return (
        orphans.remove_orphans(now)
        + _remove_model_folders(now)
        + drop_unused_thumbnails()
        + _remove_old_uploads(now)
        + _remove_vectors()
    )


def _remove_model_folders(now: bool) -> int:
    """As `orphans.remove_orphans`: a database that names few of the models is likely the wrong one."""
    removed, found = 0, _folders()
    named = _named_folders()
    unnamed = {folder: files for folder, files in found.items() if folder not in named}
    is_odd = len(unnamed) > max(len(found) / 2, FEW) or not ModelVersion.objects.exists()
    if unnamed and is_odd and not now:
        logger.warning(
            "%s of %s model folders belong to no version in this database. None was removed: check "
            "DATABASE_URL and DATA_DIR. If it is right, remove them with: manage.py reconcile --now",
            len(unnamed),
            len(found),
        )
        return 0
    for folder, files in unnamed.items():
        if now or all(orphans.is_old(storage(), f"{folder}/{name}") for name in files):
            for name in files:
                version_files.discard_file(f"{folder}/{name}")
            version_files.discard_file(folder)
            removed += len(files)
            logger.info("%s in the model storage belonged to nothing and was removed.", folder)
    return removed


def _folders() -> dict[str, list[str]]:
    """Folders of the model storage that are named as runs and backbones are, with their files."""
    found: dict[str, list[str]] = {}
    for name in orphans.walk(storage()):
        folder, _, file = name.rpartition("/")
        if _OF_RUN.fullmatch(folder) or _OF_BACKBONE.fullmatch(folder):
            found.setdefault(folder, []).append(file)
    return found


def _named_folders() -> set[str]:
    """Those of versions that have files, of runs that are going, of tuned backbones."""
    going = TrainingRun.objects.filter(status__in=["queued", "training"]).defer("trigger")
    used = {version_files.folder_of(run) for run in going}
    used |= {path.rpartition("/")[0] for path in TunedBackbone.objects.values_list("path", flat=True)}
    versions = ModelVersion.objects.filter(files_removed_at=None)
    return used | set(versions.values_list("folder", flat=True))


def _remove_old_uploads(now: bool = False) -> int:
    """Remove what a web server that was killed had received of requests; none takes a day."""
    before, removed = time.time() - orphans.OLD.total_seconds(), 0
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload*"):
        with contextlib.suppress(OSError):
            if now or path.stat().st_mtime < before:
                path.unlink()
                removed += 1
    return removed


def _remove_vectors() -> int:
    """Remove vectors of photos that no product has any more."""
    photos = ProductImage.objects.filter(sha256=OuterRef("sha256"))
    gone = ImageEmbedding.objects.filter(~Exists(photos)).values_list("pk", flat=True)[:VECTORS]
    return ImageEmbedding.objects.filter(pk__in=list(gone)).delete()[0]
