"""Answers "which product is this?" with a shop's active version.

Models are kept in memory; each call asks the database which version is active, so another one takes effect in
every process at the next photo.
"""

from dataclasses import dataclass, replace

import numpy as np

from catalog.models import Product, Shop, photo_limits
from catalog.photo_files import open_upright
from ml_training.backbones.loader import open_embedder_of
from ml_training.models import ShopTraining
from ml_training.recognizer.calibration import softmax
from ml_training.recognizer.preprocess import to_pixels
from ml_training.versions.load import LoadedModel, active_model


@dataclass(frozen=True)
class Candidate:
    product_id: int
    sku: str
    name: str
    probability: float


@dataclass(frozen=True)
class Recognition:
    version: int
    candidates: list[Candidate]  # best first
    recognized: bool  # whether the first one is the answer; else nobody can be sure
    backbone: str = ""  # id of the one that made the vector
    vector: np.ndarray | None = None  # (D,) float32, of the photo; for `explain`


def recognize(shop: Shop, photo: bytes, limit: int = 5) -> Recognition:
    """Rank a shop's products for one photo.

    Products that are switched off or gone are not answered, from this call on.

    Args:
        photo: the file's bytes.
        limit: how many candidates at most.
    Raises:
        NoActiveModel: the shop has no model yet.
        ModelFileDamaged, BackboneMissing: it cannot be used; says why.
        PhotoRefused: the photo cannot be decoded, or is too large.
    """
    model = active_model(shop)
    embedder = open_embedder_of(model.backbone)
    preprocessing = embedder.backbone.preprocessing
    picture = open_upright(photo, preprocessing.decode_side, photo_limits().max_pixels)
    pixels = to_pixels(picture, preprocessing)
    vectors = embedder.embed(pixels[None])
    return replace(rank(shop, model, vectors, limit)[0], backbone=model.backbone, vector=vectors[0])


def rank(shop: Shop, model: LoadedModel, vectors: np.ndarray, limit: int) -> list[Recognition]:
    """Rank products for (N, D) float32 vectors, in one query."""
    answered = {
        product.pk: product
        for product in Product.objects.filter(shop=shop, is_active=True).only("pk", "sku", "name")
    }
    kept = np.array([pk in answered for pk in model.product_pks], bool)  # (C,)
    if not kept.any():
        return [Recognition(model.version, [], False) for _ in vectors]
    pks = model.product_pks[kept]
    logits = model.head.logits(vectors)  # (N, C)
    probabilities = softmax(logits[:, kept])  # (N, kept)
    certain = model.is_certain(vectors, logits, kept, ShopTraining.of(shop).unknowns_named)
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :limit]
    return [
        Recognition(
            model.version,
            [
                Candidate(int(pks[i]), answered[pks[i]].sku, answered[pks[i]].name, float(row[i]))
                for i in order
            ],
            bool(sure),
        )
        for row, order, sure in zip(probabilities, best, certain, strict=True)
    ]
