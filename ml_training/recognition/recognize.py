"""Answers "which product is this?" with a shop's active version.

Called by the command `recognize`, the API and the till. Models are kept in memory; each call asks the
database which version is active, so another one takes effect in every process at the next photo.
"""

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
from django.conf import settings

from catalog.models import Product, Shop
from catalog.photo_files import open_upright
from ml_training.backbones.loader import BackboneMissing, open_embedder_of
from ml_training.models import ModelVersion, ShopTraining
from ml_training.recognizer.calibration import softmax
from ml_training.recognizer.export import read_head
from ml_training.recognizer.head import Head
from ml_training.recognizer.preprocess import to_pixels
from ml_training.versions import files as artifacts
from ml_training.versions.files import ModelFileDamaged

MOST_LOADED = 16  # models kept in memory


class NoActiveModel(RuntimeError):
    """Raised when a shop has no model yet; says what is missing."""


NO_MODEL = (NoActiveModel, ModelFileDamaged, BackboneMissing)  # each says what to do


@dataclass(frozen=True)
class LoadedModel:
    version: int
    backbone: str
    head: Head
    product_pks: np.ndarray  # (C,) int64

    def is_certain(
        self, vectors: np.ndarray, logits: np.ndarray, kept: np.ndarray, rate: float
    ) -> np.ndarray:
        """Whether photos surely show one of the products, (N,) bool.

        A photo that looks most like a product which may not be answered shows none of the others.

        Args:
            vectors: (N, D) float32.
            logits: (N, C) of the head.
            kept: (C,) bool, products that may be answered.
            rate: share of photos of unknown products that may be taken for known ones.
        """
        open_set = self.head.open_set
        if open_set is None:
            return np.zeros(len(logits), bool)
        scores = open_set.scores(vectors, logits * self.head.temperature)
        return (scores > open_set.threshold(rate, kept.mean())) & kept[logits.argmax(axis=1)]


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
    recognised: bool  # whether the first one is the answer; else nobody can be sure
    backbone: str = ""  # id of the one that made the vector
    vector: np.ndarray | None = None  # (D,) float32, of the photo; for `explain`


_loaded: OrderedDict[int, LoadedModel] = OrderedDict()  # by primary key of the version
_lock = threading.Lock()


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
    most = settings.PHOTO_MAX_MEGAPIXELS * 1000**2
    pixels = to_pixels(open_upright(photo, preprocessing.decode_side, most), preprocessing)
    vectors = embedder.embed(pixels[None])
    return replace(rank(shop, model, vectors, limit)[0], backbone=model.backbone, vector=vectors[0])


def active_model(shop: Shop) -> LoadedModel:
    """The shop's active version, from memory or storage.

    Raises:
        NoActiveModel: there is none.
        ModelFileDamaged: a file of it is missing or not what was published.
    """
    version = _active_version(shop)
    try:
        return loaded_model(version)
    except ModelFileDamaged:
        now = _active_version(shop)
        if now == version:
            raise
        return loaded_model(now)  # another one took over while this one, now old, lost its files


def _active_version(shop: Shop) -> ModelVersion:
    active = ShopTraining.objects.filter(shop=shop).values("active_version")
    version = ModelVersion.objects.filter(pk__in=active).defer(*ModelVersion.long_fields()).first()
    if version is None:
        raise NoActiveModel(
            f"{shop.name} has no model yet. Add photos of at least two products; it trains by itself."
        )
    return version


def loaded_model(version: ModelVersion) -> LoadedModel:
    """Any version's model, from memory or storage.

    Raises:
        ModelFileDamaged: a file of it is missing or not what was published.
    """
    with _lock:
        if version.pk not in _loaded:
            _loaded[version.pk] = _load(version)
            while len(_loaded) > MOST_LOADED:
                _loaded.popitem(last=False)
        _loaded.move_to_end(version.pk)
        return _loaded[version.pk]


def _load(version: ModelVersion) -> LoadedModel:
    head = read_head(artifacts.read(version, "model_json"), artifacts.read(version, "weights"))
    labels = json.loads(artifacts.read(version, "metadata"))["labels"]
    pks = np.array([label["id"] for label in labels], np.int64)
    return LoadedModel(version.number, version.backbone, head, pks)


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
    certain = model.is_certain(vectors, logits, kept, shop.unknowns_named)
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
