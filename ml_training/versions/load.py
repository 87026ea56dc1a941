"""Loads models of versions into memory, once each for a process."""

import json
import threading
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache

from catalog.models import Shop
from ml_training.backbones.loader import BackboneMissing
from ml_training.models import ModelVersion, ShopTraining
from ml_training.recognizer.export import read_head
from ml_training.recognizer.head import Head
from ml_training.versions import files as version_files
from ml_training.versions.files import ModelFileDamaged

MAX_LOADED = 16  # models kept in memory


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


_loaded: LRUCache[int, LoadedModel] = LRUCache(MAX_LOADED)  # by primary key of the version
_lock = threading.Lock()


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
        return _loaded[version.pk]


def _load(version: ModelVersion) -> LoadedModel:
    head = read_head(version_files.read(version, "model_json"), version_files.read(version, "weights"))
    labels = json.loads(version_files.read(version, "metadata"))["labels"]
    pks = np.array([label["id"] for label in labels], np.int64)
    return LoadedModel(version.number, version.backbone, head, pks)
