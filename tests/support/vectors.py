"""Fixtures for the tests of the recogniser: the exported backbone, and vectors of easy products."""

from dataclasses import dataclass

import numpy as np
import pytest
from django.conf import settings

from ml_training.recognizer.backbone import Backbone, packaged_backbone
from ml_training.recognizer.embedder import Embedder


@pytest.fixture(scope="session")
def backbone() -> Backbone:
    return packaged_backbone("efficientnet-lite0", settings.CACHE_DIR)


@pytest.fixture(scope="session")
def embedder(backbone) -> Embedder:
    return Embedder(backbone)


@dataclass(frozen=True)
class Sample:
    vectors: np.ndarray  # (N, D) float32, L2-normalised
    labels: np.ndarray  # (N,) int64


def easy_sample(products=6, photos=8, size=64, noise=0.25, seed=0) -> Sample:
    """Vectors of products that lie well apart; another seed draws other photos of the same products."""
    centres = np.random.default_rng(99).normal(size=(products, size))
    labels = np.repeat(np.arange(products, dtype=np.int64), photos)
    spread = np.random.default_rng(seed).normal(size=(len(labels), size)) * noise
    vectors = (centres[labels] + spread).astype(np.float32)
    return Sample(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), labels)


def random_pixels(backbone: Backbone, count: int, seed: int = 0) -> np.ndarray:
    shape = (count, *backbone.preprocessing.shape)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
