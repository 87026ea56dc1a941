"""Loads models of versions into memory, once each for a process."""

import json
import threading
from dataclasses import dataclass

import numpy as np
from cachetools import LRUCache

from catalog.models import Shop
from ml_training.backbones.loader import BackboneMissing
from ml_training.models import ModelVersion, ShopTraining
from ml_training.recognizer.answers.promise import NEVER, Choice
from ml_training.recognizer.calibration import softmax
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

    def judge(self, vectors: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far answers can be trusted: (N,) scores, and the (N,) chances that the first answers are right.

        A model that does not say how far is never sure.

        Args:
            vectors: (N, D) float32.
            logits: (N, C) of the head.
        """
        open_set = self.head.open_set
        if open_set is None:
            return np.full(len(logits), -NEVER), softmax(logits).max(axis=1)
        scores = open_set.scores(vectors, logits * self.head.temperature)
        return scores, open_set.confidence(scores)

    def least_score(self, promise: Choice) -> float:
        """The score above which a name is given, by what the shop has chosen."""
        return self.head.open_set.thresholds.named[promise] if self.head.open_set else NEVER

    @property
    def unknown_below(self) -> float:
        """The score below which a photo shows nothing known."""
        return self.head.open_set.thresholds.unknown_below if self.head.open_set else -NEVER

    @property
    def list_gap(self) -> float:
        """How far below the first logit (temperature 1) those of a short list may lie."""
        return self.head.open_set.list_gap if self.head.open_set else NEVER


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
