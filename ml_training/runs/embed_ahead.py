"""Embeds the photos of shops that are to pass to another backbone, while no worker is needed for a run.

After an update that changes vectors this is hours of work in a large installation. Runs go first: it is done
in slices of a schedule, and stops as soon as one waits.
"""

import random
import time
from collections.abc import Iterator

from django.db.models import F

from ml_training.backbones.loader import backbone_id_for, chosen_backbone, open_embedder
from ml_training.backbones.succession import not_embedded
from ml_training.dataset.embeddings import load_embeddings
from ml_training.dataset.manifest import Manifest, ManifestPhoto, read_manifest
from ml_training.models import ShopTraining, TrainingRun
from ml_training.runs.lifecycle import Kind, Status

SECONDS = 40.0  # of each minute
AT_ONCE = 8  # photos between two looks at whether a run waits: about half a second


def embed_ahead(seconds: float = SECONDS) -> int:
    """Embed photos with the backbone of the settings, of shops whose models are still made for another one.

    Returns:
        How many photos have been embedded.
    Effects:      ImageEmbedding rows.
    Repeatable:   yes; it goes on where it stopped. Photos that cannot be read are tried again each time.
    """
    until, embedded = time.monotonic() + seconds, 0
    for photos in _slices():
        if time.monotonic() >= until or _is_a_run_going():
            break
        vectors, _ = load_embeddings(open_embedder(), Manifest((), photos), lambda share: None)
        embedded += len(vectors)
    return embedded


def _slices() -> Iterator[tuple[ManifestPhoto, ...]]:
    """Photos to embed, some at a time, one shop after another."""
    for shop_id, before in _shops_to_prepare().items():
        missing = [*not_embedded(shop_id, before, chosen_backbone())]
        random.shuffle(missing)  # those that cannot be read are not the first each time
        copies = read_manifest(shop_id).copies
        for start in range(0, len(missing), AT_ONCE):
            chosen = missing[start : start + AT_ONCE]
            yield tuple(photo for sha256 in chosen for photo in copies.get(sha256, ()))


def _shops_to_prepare() -> dict[int, str]:
    """By shop the backbone that its models are made for until its photos are embedded with the next one."""
    states = ShopTraining.objects.filter(active_version__isnull=False)
    states = states.exclude(active_version__backbone=chosen_backbone())
    shops = states.annotate(before=F("active_version__backbone")).values_list("shop_id", "before")
    return {shop_id: before for shop_id, before in shops if backbone_id_for(shop_id) == before}


def _is_a_run_going() -> bool:
    going = [Status.QUEUED, Status.TRAINING]
    return TrainingRun.objects.filter(kind=Kind.QUICK, status__in=going).exists()
