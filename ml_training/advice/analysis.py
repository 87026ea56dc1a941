"""What can be found out from a shop's photos and its version's trials, worked out once for each state.

Nothing of this is done in a run: it is worked out when first asked for, and kept in memory until photos,
products or the version change.
"""

import threading
from dataclasses import dataclass

from cachetools import LRUCache

from catalog.models import Shop
from ml_training.advice.confusion import Confusion, confusion_of
from ml_training.advice.suspects import Suspect, find_suspects
from ml_training.backbones.loader import chosen_backbone
from ml_training.dataset.manifest import read_manifest
from ml_training.models import ModelVersion, ShopTraining

MAX_KEPT = 16  # shops' analyses in memory


@dataclass(frozen=True)
class ShopAnalysis:
    version: int | None  # number of the one that serves
    confusion: Confusion
    suspects: list[Suspect]


_kept: LRUCache[tuple, ShopAnalysis] = LRUCache(MAX_KEPT)
_lock = threading.Lock()


def analyze_shop(shop: Shop) -> ShopAnalysis:
    """What is known of a shop's photos now. One query if nothing changed since the last call, else a few."""
    key = _state(shop)
    with _lock:
        if (known := _kept.get(key)) is not None:
            return known
    analysis = _analyze(shop)
    with _lock:
        for other in [other for other in _kept if other[0] == shop.pk]:
            del _kept[other]
        _kept[key] = analysis
    return analysis


def _state(shop: Shop) -> tuple:
    """Changes whenever the analysis may: with the version, with photos, and when a run has embedded them."""
    rows = ShopTraining.objects.filter(shop=shop)
    counters = rows.values_list("active_version__folder", "wanted", "trained").first()
    return shop.pk, chosen_backbone(), *(counters or ())


def _analyze(shop: Shop) -> ShopAnalysis:
    active = ShopTraining.objects.filter(shop=shop).values("active_version")
    version = ModelVersion.objects.filter(pk__in=active).first()
    manifest = read_manifest(shop.pk)
    backbone = version.backbone if version else chosen_backbone()
    suspects = find_suspects(shop, version, manifest, backbone)
    return ShopAnalysis(version.number if version else None, confusion_of(version, manifest), suspects)
