"""Answers "which product is this?" with a shop's active version.

Models are kept in memory; each call asks the database which version is active, so another one takes effect in
every process at the next photo.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

import numpy as np

from catalog.models import Product, Shop, photo_limits
from catalog.photo_files import open_upright
from ml_training.backbones.loader import open_embedder_of
from ml_training.models import ShopTraining
from ml_training.recognizer.answers.promise import VIEWS
from ml_training.recognizer.calibration import softmax
from ml_training.recognizer.preprocess import to_pixels
from ml_training.versions.load import LoadedModel, active_model

MAX_LIST = 6  # products of a short list
MAX_PHOTOS = max(VIEWS)  # of one product that are taken together


class Answer(StrEnum):
    """What a photo is answered with."""

    NAMED = "NAMED"  # the first candidate, without asking
    CHOOSE = "CHOOSE"  # a short list to choose from
    UNKNOWN = "UNKNOWN"  # hardly any photo of the shop's products looks so; the list is there all the same


@dataclass(frozen=True)
class Candidate:
    product_id: int
    sku: str
    name: str
    probability: float
    price: Decimal | None = None
    barcode: str = ""
    unit: str = Product.Unit.PIECE


@dataclass(frozen=True)
class Recognition:
    version: int
    candidates: list[Candidate]  # best first
    answer: Answer
    confidence: float = 0.0  # the chance that the first candidate is right
    backbone: str = ""  # id of the one that made the vector
    vector: np.ndarray | None = None  # (D,) float32, of the photos; for `explain`

    @property
    def recognized(self) -> bool:
        """Whether the first candidate is the answer. Goes with the next release; use `answer`."""
        return self.answer is Answer.NAMED


def recognize(shop: Shop, *photos: bytes, limit: int | None = None) -> Recognition:
    """Rank a shop's products for one photo, or for several photos of one product.

    Products that are switched off or gone are not answered, from this call on.

    Args:
        photos: the files' bytes; up to MAX_PHOTOS, of different sides of the product.
        limit: how many candidates at most; a list as short as the shop's trials allow if left out.
    Raises:
        NoActiveModel: the shop has no model yet.
        ModelFileDamaged, BackboneMissing: it cannot be used; says why.
        PhotoRefused: a photo cannot be decoded, or is too large.
    """
    model = active_model(shop)
    embedder = open_embedder_of(model.backbone)
    preprocessing, max_pixels = embedder.backbone.preprocessing, photo_limits().max_pixels
    pictures = (open_upright(photo, preprocessing.decode_side, max_pixels) for photo in photos)
    vectors = np.concatenate([embedder.embed(to_pixels(one, preprocessing)[None]) for one in pictures])
    together = vectors.mean(axis=0, keepdims=True)
    answer = rank(shop, model, together, limit, len(photos))[0]
    return replace(answer, backbone=model.backbone, vector=together[0])


def rank(
    shop: Shop, model: LoadedModel, vectors: np.ndarray, limit: int | None = None, views: int = 1
) -> list[Recognition]:
    """Rank products for (N, D) float32 vectors, in one query.

    Args:
        limit: as for `recognize`.
        views: how many photos each vector is the mean of.
    """
    answered = {
        product.pk: product
        for product in Product.objects.filter(shop=shop, is_active=True).only(
            "pk", "sku", "name", "price", "barcode", "unit"
        )
    }
    kept = np.array([pk in answered for pk in model.product_pks], bool)  # (C,)
    if not kept.any():
        return [Recognition(model.version, [], Answer.UNKNOWN) for _ in vectors]
    logits = model.head.logits(vectors)  # (N, C)
    scores, confidence = model.judge(vectors, logits)
    # A photo that looks most like a product which may not be answered shows none of the others.
    may_be_named = kept[logits.argmax(axis=1)]
    least = model.least_score(ShopTraining.of(shop).promise(views))
    kinds = np.select(
        [may_be_named & (scores > least), scores < model.unknown_below],
        [Answer.NAMED, Answer.UNKNOWN],
        Answer.CHOOSE,
    )
    products = [answered[pk] for pk in model.product_pks[kept]]
    probabilities = softmax(logits[:, kept])  # (N, kept)
    lengths = list_lengths(logits[:, kept] * model.head.temperature, model.list_gap)
    return [
        Recognition(
            model.version,
            [
                candidate_of(products[i], row[i])
                for i in np.argsort(-row, kind="stable")[: limit or length].tolist()
            ],
            Answer(kind),
            float(chance) if may else 0.0,
        )
        for row, length, kind, chance, may in zip(
            probabilities, lengths, kinds, confidence, may_be_named, strict=True
        )
    ]


def list_lengths(logits: np.ndarray, gap: float) -> np.ndarray:
    """(N, C) logits of temperature 1 to (N,) lengths of the short lists, 1 to MAX_LIST."""
    near = logits.max(axis=1, keepdims=True) - logits <= gap
    return np.clip(near.sum(axis=1), 1, MAX_LIST)


def candidate_of(product: Product, probability: float) -> Candidate:
    return Candidate(
        product_id=product.pk,
        sku=product.sku,
        name=product.name,
        probability=float(probability),
        price=product.price,
        barcode=product.barcode,
        unit=product.unit,
    )
