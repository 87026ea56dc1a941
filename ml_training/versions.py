"""Chooses which version of a shop's model serves: another one, an earlier one, or none.

Called by the API; `training.complete` activates what a run has made. Versions and their files always stay.
"""

from django.db import transaction

from catalog.models import Shop
from ml_training import artifacts, training
from ml_training.events import CHANGED
from ml_training.models import ModelVersion, ShopTraining
from ml_training.recognizer.export import FILES
from ml_training.runtime import open_embedder_of


def activate_version(version: ModelVersion) -> bool:
    """Let a version serve, from the next photo on.

    Until the next training completes: what that makes takes over, as always.

    Returns:
        Whether another one, or none, served until now.
    Effects:      ShopTraining.active_version; a `changed` event.
    Transaction:  opens one.
    Repeatable:   yes; a second call changes nothing and tells nobody.
    Raises:
        ModelFileDamaged: one of its files is missing or not what was published.
        BackboneMissing: the backbone it was made for is gone.
    """
    open_embedder_of(version.backbone)
    for kind in FILES:
        artifacts.read(version, kind)
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
    return ModelVersion.objects.filter(shop=shop).select_related("run", "shop").first()


def _choose(shop: Shop, version: ModelVersion | None) -> bool:
    with transaction.atomic():
        state = ShopTraining.objects.select_for_update().filter(shop=shop).first()
        before = state.active_version if state else None
        if before == version:
            return False
        if state is None:
            state = ShopTraining.objects.create(shop=shop)
        ShopTraining.objects.filter(shop=shop).update(active_version=version)
        message = f"Version {version.number} serves." if version else "No version serves."
        training.announce((version or before).run, CHANGED, message)
    return True
