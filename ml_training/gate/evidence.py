"""Notes what about a run's photos a person should look at.

New photos are shown to the active version and to an earlier one, which have not learned them, where they know
their product: they may show another one. And photos that are copies of others are noted. docs/recognizer.md
has the measurements.
"""

import logging
from collections import Counter
from dataclasses import dataclass

import numpy as np

from catalog.models import Product
from ml_training.dataset.manifest import Manifest
from ml_training.gate.baselines import list_baseline_numbers
from ml_training.gate.rules import RULES
from ml_training.models import ModelVersion, ShopTraining
from ml_training.recognizer.calibration import softmax
from ml_training.versions.load import NO_MODEL, loaded_model
from ml_training.versions.provenance import learned_by

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evidence:
    """What the gate needs to know of a run's photos, found out while their vectors are at hand."""

    asked: dict[str, dict]  # by number of the version that was asked: `tried`, `products`, `sure`; see `_ask`
    copies: dict[str, list[int]]  # by product its photos that are copies of another of it

    def as_json(self) -> dict[str, dict]:
        """For `ModelVersion.evidence`: what there is."""
        return {name: value for name, value in (("asked", self.asked), ("copies", self.copies)) if value}


def gather_evidence(
    shop_id: int, usable: Manifest, vectors: np.ndarray, copies: list[np.ndarray], backbone: str
) -> Evidence:
    """Ask earlier versions about products that have photos which they have not learned, and name copies.

    Args:
        vectors: (N, D) float32 of the manifest's photos, by `backbone`.
        copies: groups of rows that are nearly the same picture, the first of each the one that counts.
    """
    asked = {}
    for version in _choose_witnesses(shop_id, backbone):
        if (found := _ask(version, usable, vectors)) is not None:
            asked[str(version.number)] = found
    return Evidence(asked, _list_copies(usable, copies))


def _choose_witnesses(shop_id: int, backbone: str) -> list[ModelVersion]:
    """The active version, and the oldest of those that served lately: a few wrong photos at a time have not
    taught it yet that they are right."""
    versions = ModelVersion.objects.defer(*ModelVersion.long_fields())
    active = versions.filter(
        pk__in=ShopTraining.objects.filter(shop=shop_id).values("active_version")
    ).first()
    if active is None or active.backbone != backbone:
        return []
    lately = versions.filter(shop=shop_id, number__in=list_baseline_numbers(active)[1:])
    oldest = lately.filter(has_files=True, backbone=backbone).last()
    return [active, oldest] if oldest else [active]


def _ask(version: ModelVersion, usable: Manifest, vectors: np.ndarray) -> dict | None:
    """What one version says of the photos that it has not learned; None if there are none, or it cannot.

    Returns:
        `tried`: how many products it was asked about; `products`: by product the other one that its new
        photos look like, and these photos; `sure`: those of the products of which there is hardly a doubt.
    """
    fresh = _fresh(version, usable)
    if not fresh:
        return None
    try:
        model = loaded_model(version)
    except NO_MODEL:
        logger.warning(
            "Version %s could not be asked about new photos: its files are damaged.", version.number
        )
        return None
    classes = {pk: number for number, pk in enumerate(model.product_pks.tolist())}
    asked = {pk: rows for pk, rows in fresh.items() if pk in classes}
    # One that has no photos any more, or is off the shelf, may have become one with another.
    pks = [product.pk for product in usable.products]
    there = set(Product.objects.filter(pk__in=pks, is_active=True).values_list("pk", flat=True))
    doubted, sure = {}, []
    for pk, rows in asked.items():
        probabilities = softmax(model.head.logits(vectors[rows]))
        taken = find_confused_class(probabilities, classes[pk], RULES.contradicted)
        other = None if taken is None else int(model.product_pks[taken])
        if other in there:
            doubted[str(pk)] = [other, [usable.photos[row].pk for row in rows]]
            if find_confused_class(probabilities, classes[pk], RULES.surely_contradicted) is not None:
                sure.append(str(pk))
    return {"tried": len(asked), "products": doubted, "sure": sure}


def _list_copies(usable: Manifest, groups: list[np.ndarray]) -> dict[str, list[int]]:
    copies: dict[str, list[int]] = {}
    for group in groups:
        of_product = copies.setdefault(str(usable.photos[group[0]].product_pk), [])
        of_product += [usable.photos[row].pk for row in group[1:]]
    return copies


def _fresh(version: ModelVersion, usable: Manifest) -> dict[int, list[int]]:
    """The rows of photos that a version has not learned, by product, of products that it knows well."""
    learned = set(learned_by(version).values_list("product_id", "sha256"))
    before = Counter(product for product, _ in learned)
    fresh: dict[int, list[int]] = {}
    for row, photo in enumerate(usable.photos):
        if (
            before[photo.product_pk] >= RULES.min_new_photos
            and (photo.product_pk, photo.sha256) not in learned
        ):
            fresh.setdefault(photo.product_pk, []).append(row)
    return {product: rows for product, rows in fresh.items() if len(rows) >= RULES.min_new_photos}


def find_confused_class(probabilities: np.ndarray, own: int, least: tuple[float, float]) -> int | None:
    """The class that (N, C) answers take photos of one product for; None if they do not agree on another.

    Args:
        least: how many times as probable as the own class the other one must be on average, and the share of
            photos that must be answered by it.
    """
    times, share = least
    mean = probabilities.mean(axis=0)
    others = mean.copy()
    others[own] = -1
    other = int(others.argmax())
    answered = (probabilities.argmax(axis=1) == other).mean()
    return other if mean[other] > times * mean[own] and answered >= share else None
