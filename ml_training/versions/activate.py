"""Chooses which version of a shop's model serves: another one, an earlier one, or none.

Versions always stay, their files for as long as `prune` keeps them.
"""

from django.db import transaction
from django.utils import timezone

from catalog.activity.rows import Activity, record
from catalog.models import Shop
from ml_training.backbones.loader import open_embedder_of
from ml_training.events import CHANGED, announce
from ml_training.models import ModelVersion, ShopTraining
from ml_training.versions import files as version_files
from ml_training.versions import prune as pruning


def activate_version(version: ModelVersion) -> bool:
    """Let a version serve, from the next photo on.

    Until the next training completes: what that makes takes over, unless it is worse than this version (see
    `gate`).

    Returns:
        Whether another one, or none, served until now.
    Effects:      ShopTraining.active_version; a `changed` event.
    Transaction:  opens one.
    Repeatable:   yes; a second call changes nothing and tells nobody.
    Raises:
        ModelFileDamaged: one of its files is missing, removed or not what was published.
        BackboneMissing: the backbone it was made for is gone.
    """
    for kind in version.files:
        version_files.read(version, kind)
    open_embedder_of(version.backbone)
    return _choose(version.shop, version)


def deactivate(shop: Shop) -> bool:
    """Let no version serve until one is activated or the next training completes.

    Returns:
        Whether one served until now.
    Effects:      ShopTraining.active_version; a `changed` event.
    Transaction:  opens one.
    Repeatable:   yes.
    """
    return _choose(shop, None)


def newest_version(shop: Shop) -> ModelVersion | None:
    """The newest version that was not held back for being worse; if all were, the newest."""
    versions = ModelVersion.objects.filter(shop=shop, has_files=True).select_related("run", "shop")
    return versions.filter(held_back="").first() or versions.first()


def _choose(shop: Shop, version: ModelVersion | None) -> bool:
    with transaction.atomic():
        state = ShopTraining.objects.hold(shop.pk)
        before = state.active_version if state else None
        if before == version:
            return False
        if version:  # `prune` may have marked it meanwhile; it holds the same row
            version.refresh_from_db(fields=["has_files"])
            version_files.check_kept(version)
        if state is None:
            state = ShopTraining.objects.create(shop=shop)
        ShopTraining.objects.filter(shop=shop).update(active_version=version)
        if version:
            ModelVersion.objects.filter(pk=version.pk).update(chosen_at=timezone.now())
        message = f"Version {version.number} serves." if version else "No version serves."
        if concerned := version or before:
            announce(concerned.run, CHANGED, message)
        text = f"switched to version {version.number} of the model" if version else "switched the model off"
        record(Activity.Kind.MODEL, text, shop)
        pruning.prune_on_commit(shop.pk)
    return True
