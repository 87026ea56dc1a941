"""Removes the files of old versions by the rule of docs/model-files.md. Their rows stay.

A version is first marked, while the shop's row is held, and its files go after that has committed: whoever
activates a version holds the same row, so it finds the mark, or the version is kept.
"""

import logging

from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from api.after_commit import after_commit
from ml_training.models import ModelVersion, ShopTraining
from ml_training.versions import files as version_files

logger = logging.getLogger(__name__)
BATCH = 20  # versions at once: the rest waits for the reconciler


def prune_on_commit(shop_id: int) -> None:
    """Prune a shop's versions once the change at hand is final; if that fails, nothing else does."""
    after_commit(prune, shop_id)


def prune(shop_id: int) -> list[ModelVersion]:
    """Remove the files of a shop's versions that nobody needs any more, some at a time.

    Returns:
        The versions whose files went.
    Effects:      ModelVersion.has_files and files_removed_at; files in the model storage.
    Transaction:  opens one, and removes files after it.
    Repeatable:   yes; files that a call left behind are removed by the next.
    """
    if list_superfluous(shop_id):  # asked without holding anything: mostly there is nothing to do
        with transaction.atomic():
            ShopTraining.objects.hold(shop_id)
            marked = [version.pk for version in list_superfluous(shop_id)[:BATCH]]
            ModelVersion.objects.filter(pk__in=marked).update(has_files=False)
    left = ModelVersion.objects.filter(shop_id=shop_id, has_files=False, files_removed_at=None)
    oldest = left.defer(*ModelVersion.long_fields(), "metrics").order_by("number")[:BATCH]
    return [version for version in oldest if _remove_files(version)]


def list_superfluous(shop_id: int) -> list[ModelVersion]:
    """The versions whose files are there and not needed, oldest first.

    While no version serves, all are needed: nobody knows which one is wanted next.
    """
    active = ShopTraining.objects.filter(shop_id=shop_id).values_list("active_version", flat=True).first()
    if active is None:
        return []
    with_files = ModelVersion.objects.filter(shop_id=shop_id, has_files=True).order_by("-number")
    versions = list(with_files.only("pk", "shop_id", "number", "held_back", "changes", "backbone"))
    kept = _choose_kept(versions, active)
    return [version for version in reversed(versions) if version.pk not in kept]


def _choose_kept(versions: list[ModelVersion], active: int) -> set[int]:
    """Ids of the versions to keep, of all that have files, newest first."""
    number = next((version.number for version in versions if version.pk == active), 0)
    good = [version.pk for version in versions if not version.held_back]
    held_back = [version.pk for version in versions if version.held_back]
    good_before = [version.pk for version in versions if not version.held_back and version.number < number]
    differ = [
        version
        for newer, version in zip([None, *versions], versions, strict=False)
        if not _is_repeated(version, newer)
    ]
    newest = [v.pk for some in (versions, differ) for v in some[: settings.KEEP_VERSIONS]]
    return {active, *good[:1], *good_before[:1], *held_back[:1], *newest}


def _is_repeated(version: ModelVersion, newer: ModelVersion | None) -> bool:
    """Whether the next version learned the same photos with the same backbone."""
    if newer is None or newer.number != version.number + 1:
        return False
    return newer.changes == [] and newer.backbone == version.backbone


def _remove_files(version: ModelVersion) -> bool:
    try:
        version_files.remove(version.folder)
    except Exception:
        logger.exception("The files in %s of the model storage could not be removed.", version.folder)
        return False
    ModelVersion.objects.filter(pk=version.pk).update(files_removed_at=timezone.now())
    logger.info("The files of version %s of shop %s were removed.", version.number, version.shop_id)
    return True


def prune_all() -> list[ModelVersion]:
    """Prune every shop that may have too many versions with files, or files that should be gone."""
    rows = ModelVersion.objects.order_by().values("shop")
    many = rows.filter(has_files=True).annotate(count=Count("pk")).filter(count__gt=settings.KEEP_VERSIONS)
    left = rows.filter(has_files=False, files_removed_at=None)
    shops = {row["shop"] for row in many} | {row["shop"] for row in left}
    return [version for shop_id in sorted(shops) for version in prune(shop_id)]
