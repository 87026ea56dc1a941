"""Notes what about a run's photos a person should look at.

New photos are shown to the active version, which has not learned them, where it knows their product: they may
show another one. And photos that are copies of others are noted.
docs/recognizer.md has the measurements. Called by `job`; `newcomers` says what follows.
"""

import logging
from collections import Counter

import numpy as np

from catalog.models import Product
from ml_training.manifest import Manifest
from ml_training.models import ModelVersion, ShopTraining
from ml_training.provenance import learned_by
from ml_training.recognizer.calibration import softmax
from ml_training.serving import NO_MODEL, loaded_model

logger = logging.getLogger(__name__)
FEWEST = 3  # photos
TIMES = 4  # as probable as their own product
AGREED = 0.5  # share of the photos that are taken for one and the same other product


def find_doubts(shop_id: int, usable: Manifest, vectors: np.ndarray, backbone: str) -> dict:
    """Ask the active version about products that have photos which it has not learned.

    Args:
        vectors: (N, D) float32 of the manifest's photos, by `backbone`.
    Returns:
        For `ModelVersion.doubts`: `by`, the version asked; `tried`, how many products; and `products`, by
        product the other one that its new photos look like, and these photos. Empty where none can be asked.
    """
    active = ModelVersion.objects.filter(
        pk__in=ShopTraining.objects.filter(shop=shop_id).values("active_version")
    )
    active = active.defer(*ModelVersion.long_fields()).first()
    if active is None or active.backbone != backbone:
        return {}
    fresh = _fresh(active, usable)
    if not fresh:
        return {}
    try:
        model = loaded_model(active)
    except NO_MODEL:
        logger.warning(
            "Version %s could not be asked about new photos: its files are damaged.", active.number
        )
        return {}
    classes = {pk: number for number, pk in enumerate(model.product_pks.tolist())}
    asked = {pk: rows for pk, rows in fresh.items() if pk in classes}
    # One that has no photos any more, or is off the shelf, may have become one with another.
    pks = [product.pk for product in usable.products]
    there = set(Product.objects.filter(pk__in=pks, is_active=True).values_list("pk", flat=True))
    doubted = {}
    for pk, rows in asked.items():
        taken = taken_for(softmax(model.head.logits(vectors[rows])), classes[pk])
        other = None if taken is None else int(model.product_pks[taken])
        if other in there:
            doubted[str(pk)] = [other, [usable.photos[row].pk for row in rows]]
    return {"by": active.number, "tried": len(asked), "products": doubted}


def copies_in(usable: Manifest, groups: list[np.ndarray]) -> dict:
    """For `ModelVersion.doubts`: `copies`, by product the photos that are copies of another; empty if none.

    Args:
        groups: rows of the manifest's photos, the first of each the one that counts.
    """
    copies: dict[str, list[int]] = {}
    for group in groups:
        own = copies.setdefault(str(usable.photos[group[0]].product_pk), [])
        own += [usable.photos[row].pk for row in group[1:]]
    return {"copies": copies} if copies else {}


def _fresh(active: ModelVersion, usable: Manifest) -> dict[int, list[int]]:
    """The rows of photos that a version has not learned, by product, of products that it knows well."""
    learned = set(learned_by(active).values_list("product_id", "sha256"))
    before = Counter(product for product, _ in learned)
    fresh: dict[int, list[int]] = {}
    for row, photo in enumerate(usable.photos):
        if before[photo.product_pk] >= FEWEST and (photo.product_pk, photo.sha256) not in learned:
            fresh.setdefault(photo.product_pk, []).append(row)
    return {product: rows for product, rows in fresh.items() if len(rows) >= FEWEST}


def taken_for(probabilities: np.ndarray, own: int) -> int | None:
    """The class that (N, C) answers take photos of one product for; None if they do not agree on another."""
    mean = probabilities.mean(axis=0)
    others = mean.copy()
    others[own] = -1
    other = int(others.argmax())
    answered = (probabilities.argmax(axis=1) == other).mean()
    return other if mean[other] > TIMES * mean[own] and answered >= AGREED else None
