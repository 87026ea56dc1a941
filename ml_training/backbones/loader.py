"""Opens the recogniser's heavy parts inside the process that computes, once each."""

import os
import threading
from pathlib import Path

from cachetools import LRUCache
from django.conf import settings

from ml_training.backbones import tuned
from ml_training.backbones.succession import can_go_on, is_prepared
from ml_training.models import ShopTraining, TunedBackbone
from ml_training.recognizer.backbone import PACKAGED, PACKAGED_VERSIONS, Backbone, open_packaged
from ml_training.recognizer.custom_backbone import CustomBackbone, open_custom_backbone, read_custom_backbone
from ml_training.recognizer.embedder import Embedder

MAX_OPEN = 4  # backbones in memory
# By process, since a fork must not use its parent's.
_open: LRUCache[tuple[int, str], Embedder] = LRUCache(MAX_OPEN)
_lock = threading.Lock()


class BackboneMissing(RuntimeError):
    """Raised when a model was made for a backbone that this installation does not have."""


def chosen_backbone() -> str:
    """The id of the backbone of the settings.

    Raises:
        BackboneRefused: it is one's own, and its description cannot be read.
    """
    custom = _custom_backbone()
    return custom.id if custom else PACKAGED[settings.BACKBONE].id


def _custom_backbone() -> CustomBackbone | None:
    return read_custom_backbone(Path(settings.BACKBONE_FILE)) if settings.BACKBONE_FILE else None


def backbone_id_for(shop_id: int) -> str:
    """The id of the backbone that a shop's new models are made for.

    That of its active version, if it was tuned from any version of the backbone of the settings, or until the
    shop's photos are embedded with the latter; else the latter.
    """
    actives = ShopTraining.objects.filter(shop_id=shop_id).values_list("active_version__backbone", flat=True)
    active, chosen = actives.first(), chosen_backbone()
    if not active or active == chosen or not can_go_on(active):
        return chosen
    if is_tuned_from_chosen(active) or not is_prepared(shop_id, active, chosen):
        return active
    return chosen


def is_tuned_from_chosen(backbone_id: str) -> bool:
    """Whether a backbone was tuned from any version of that of the settings: its looks are stored with it."""
    chosen = PACKAGED_VERSIONS.get(chosen_backbone())
    if chosen is None:
        return False
    bases = [one.id for one in PACKAGED_VERSIONS.values() if one.architecture == chosen.architecture]
    return TunedBackbone.objects.filter(backbone=backbone_id, base__in=bases).exists()


def find_backbone(backbone_id: str) -> Backbone:
    """A backbone by its id, whatever the settings say now.

    Raises:
        BackboneMissing: there is none of that id any more, or its file is gone.
    """
    if packaged := PACKAGED_VERSIONS.get(backbone_id):
        return open_packaged(packaged, settings.CACHE_DIR)
    custom = _custom_backbone()
    if custom and custom.id == backbone_id:
        return open_custom_backbone(custom, settings.CACHE_DIR)
    row = TunedBackbone.objects.filter(backbone=backbone_id).first()
    try:
        if row:
            return tuned.fetch(row)
    except tuned.TunedFileMissing as error:
        raise BackboneMissing(f"{error} Activate another version; deep training makes a new one.") from error
    raise BackboneMissing(
        f"This model needs the backbone {backbone_id}, which is gone. It trains anew by itself."
    )


def backbone_is_ready(backbone_id: str) -> bool:
    """Whether its file is there, so that opening it takes no longer than reading it."""
    custom = _custom_backbone()
    if custom and custom.id == backbone_id:
        return True
    tuned_file = TunedBackbone.objects.filter(backbone=backbone_id).values_list("sha256", flat=True).first()
    return (settings.CACHE_DIR / "backbones" / f"{tuned_file or backbone_id}.onnx").exists()


def open_embedder_of(backbone_id: str) -> Embedder:
    """Return the open backbone that a model was made for; open it on first use.

    Raises:
        BackboneMissing: there is none of that id any more.
    """
    key = (os.getpid(), backbone_id)
    with _lock:
        if key not in _open:
            _open[key] = Embedder(find_backbone(backbone_id), settings.COMPUTE_THREADS)
        return _open[key]


def open_embedder() -> Embedder:
    """Return the open backbone of the settings."""
    return open_embedder_of(chosen_backbone())
