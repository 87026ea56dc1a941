"""What a till must know to answer: products with prices, thresholds, and which files belong together."""

import json
from functools import lru_cache
from typing import Any

from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from catalog.models import Product, ProductImage, Shop
from ml_training.backbones.loader import BackboneMissing, find_backbone
from ml_training.models import ModelVersion, ShopTraining
from ml_training.recognizer.answers.promise import VIEWS
from ml_training.recognizer.backbone import Backbone
from ml_training.versions import files as version_files
from ml_training.versions.files import ModelFileDamaged
from till.models import TillSettings
from till.release import release

MAX_KEPT = 32  # versions and backbones whose descriptions stay in memory


def read_state(shop: Shop, till: str | None, person: int | None) -> dict[str, Any]:
    """Everything a device needs, as JSON; in five queries at most, however many products there are.

    Args:
        till: the device's name; None for staff.
        person: whose work on the device is not another's; None for a till's token.
    """
    states = ShopTraining.objects.select_related("active_version").filter(shop=shop)
    long_fields = ModelVersion.long_fields("active_version")
    training = states.defer(*long_fields).first() or ShopTraining(shop=shop)
    model, why = describe_model(training)
    state = {
        "release": release(),
        "shop": {"id": shop.pk, "slug": shop.slug, "name": shop.name, "currency": shop.currency},
        "till": till,
        "person": person,
        "photos": TillSettings.of(shop).keeps_photos,
        "products": [_describe_product(product) for product in shelf(shop)],
        "model": model,
    }
    return state if model else state | {"no_model": why}


def shelf(shop: Shop):
    """The products that are sold, with the first photo of each."""
    first = ProductImage.objects.filter(product=OuterRef("pk")).order_by("position", "pk")
    cover = {"cover": Subquery(first.values("pk")[:1]), "cover_sha256": Subquery(first.values("sha256")[:1])}
    return Product.objects.filter(shop=shop, is_active=True).annotate(**cover)


def _describe_product(product) -> dict[str, Any]:
    cover = product.cover and reverse("till-thumbnail", args=[product.cover, product.cover_sha256])
    return {
        "id": product.pk,
        "sku": product.sku,
        "name": product.name,
        "price": None if product.price is None else str(product.price),
        "unit": product.unit,
        "barcode": product.barcode,
        "thumbnail": cover,
    }


def describe_model(training: ShopTraining) -> tuple[dict[str, Any] | None, str]:
    """The active version for a device, or None and why there is none for it."""
    version = training.active_version
    if version is None:
        return None, _(
            "This shop has no model yet. Add photos of at least two products; it trains by itself."
        )
    if "head_onnx" not in version.files:
        return None, _(
            "The model in use was made before there were tills. The next training makes one for them."
        )
    try:
        told, labels = _read_files(version.pk, version.files["model_json"]["sha256"])
        backbone = backbone_of(told["backbone"]["id"])
    except (ModelFileDamaged, BackboneMissing) as error:
        return None, str(error)
    head = version.files["head_onnx"]
    return {
        "version": version.number,
        "backbone": {
            "id": backbone.id,
            "sha256": backbone.sha256,
            "bytes": backbone.path.stat().st_size,
            "url": reverse("till-file", args=[backbone.sha256]),
            "preprocessing": backbone.preprocessing.as_json(),
        },
        "head": {
            "sha256": head["sha256"],
            "bytes": head["bytes"],
            "url": reverse("till-file", args=[head["sha256"]]),
        },
        "labels": labels,
        "temperature": told["head"]["temperature"],
        **_describe_trust(told["open_set"], training),
    }, ""


def _describe_trust(open_set: dict | None, training: ShopTraining) -> dict[str, Any]:
    """When a name may be given, by what the shop has chosen."""
    if open_set is None:  # a model that does not say how far to trust it is never sure
        return dict.fromkeys(("confidence", "named_above", "unknown_below", "list_gap"))
    rows = {(row["wrong"], row["foreign"], row["photos"]): row["score"] for row in open_set["named_above"]}
    named_above = {str(views): rows[training.promise(views)] for views in VIEWS}
    return {"named_above": named_above} | {
        name: open_set[name] for name in ("confidence", "unknown_below", "list_gap")
    }


@lru_cache(MAX_KEPT)
def _read_files(pk: int, sha256: str) -> tuple[dict, list[int]]:
    """`model.json`, with this hash, of a version, and its products in the head's order."""
    version = ModelVersion.objects.defer(*ModelVersion.long_fields()).get(pk=pk)
    labels = json.loads(version_files.read(version, "metadata"))["labels"]
    return json.loads(version_files.read(version, "model_json")), [label["id"] for label in labels]


@lru_cache(MAX_KEPT)
def _find_backbone(backbone_id: str) -> Backbone:
    return find_backbone(backbone_id)


def backbone_of(backbone_id: str) -> Backbone:
    """A backbone and its file, whose hash is computed once; found anew if the file has gone."""
    backbone = _find_backbone(backbone_id)
    if not backbone.path.exists():
        _find_backbone.cache_clear()
        backbone = _find_backbone(backbone_id)
    return backbone
