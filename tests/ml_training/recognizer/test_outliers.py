"""Wrong labels and copies are found among the vectors of real photos; innocent photos are left alone."""

import io
from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from ml_training.recognizer.embedder import Embedder, embed_all
from ml_training.recognizer.outliers import find_copies, find_outliers
from ml_training.recognizer.preprocess import to_pixels
from tests.support.demo import UNLIKE, demo_photo

pytestmark = pytest.mark.training

PRODUCTS, PHOTOS = len(UNLIKE), 10
LABELS = np.repeat(np.arange(PRODUCTS), PHOTOS)


def embed(embedder: Embedder, openers: list) -> np.ndarray:
    preprocessing = embedder.backbone.preprocessing
    rows = list(embed_all(embedder, openers, lambda opened: to_pixels(opened(), preprocessing)))
    assert not any(error for *_, error in rows)
    return np.stack([embedded.vector for _, embedded, _ in rows])


@pytest.fixture(scope="module")
def vectors(embedder) -> np.ndarray:
    return embed(embedder, [partial(demo_photo, sku, number) for sku in UNLIKE for number in range(PHOTOS)])


def outliers(vectors: np.ndarray, labels: np.ndarray) -> list[int]:
    return [outlier.row for outlier in find_outliers(vectors, labels)]


def test_photos_in_their_places_are_left_alone(vectors):
    assert len(outliers(vectors, LABELS)) <= len(LABELS) * 0.03


@pytest.mark.parametrize("seed", range(5))
def test_swapped_labels_are_found_and_few_others(vectors, seed):
    """10 % of the photos lie on another product."""
    rng = np.random.default_rng(seed)
    swapped = rng.choice(len(LABELS), len(LABELS) // 10, replace=False)
    labels = LABELS.copy()
    labels[swapped] = (LABELS[swapped] + rng.integers(1, PRODUCTS, len(swapped))) % PRODUCTS
    found = set(outliers(vectors, labels))
    assert len(found & {*swapped}) >= 0.75 * len(swapped)
    assert len(found - {*swapped}) <= len(LABELS) * 0.05


def test_photo_that_is_like_another_product_is_shown_beside_one_of_it(vectors):
    labels = LABELS.copy()
    labels[0] = 3
    worst = find_outliers(vectors, labels)[0]
    assert worst.row == 0
    assert labels[worst.nearest] == 0
    assert not worst.is_copy


def test_half_precision_finds_the_same(vectors):
    labels = LABELS.copy()
    labels[::17] = (labels[::17] + 1) % PRODUCTS
    assert {*outliers(vectors.astype(np.float16), labels)} == {*outliers(vectors, labels)}


def again(photo: Image.Image, number: int) -> Image.Image:
    """The same picture saved anew, a little lighter or darker."""
    buffer = io.BytesIO()
    ImageEnhance.Brightness(photo).enhance(1 + 0.005 * (number % 7 - 3)).save(
        buffer, "JPEG", quality=78 + number % 20
    )
    return Image.open(buffer).convert("RGB")


def test_many_copies_of_one_photo_are_one_group(embedder, vectors):
    photo = demo_photo(UNLIKE[0], 3)
    copies = embed(embedder, [partial(again, photo, number) for number in range(40)])
    both, labels = np.concatenate([vectors, copies]), np.concatenate([LABELS, np.zeros(40, np.int64)])
    (group,) = find_copies(both, labels)
    assert group.tolist() == [3, *range(len(LABELS), len(LABELS) + 40)]


def test_different_photos_are_no_copies(vectors):
    assert find_copies(vectors, LABELS) == []


def test_copy_on_another_product_is_found(embedder, vectors):
    copy = embed(embedder, [partial(again, demo_photo(UNLIKE[0], 3), 1)])
    both, labels = np.concatenate([vectors, copy]), np.append(LABELS, 5)
    found = {outlier.row: outlier for outlier in find_outliers(both, labels)}
    assert found[len(LABELS)].is_copy
    assert found[len(LABELS)].nearest == 3


@pytest.mark.parametrize("labels", [[0], [0, 0, 0], [0, 1], [0, 1, 2, 2]])
def test_little_to_compare_with_is_no_reason_to_fail(vectors, labels):
    labels = np.array(labels)
    few = vectors[labels * PHOTOS + np.arange(len(labels))]
    assert outliers(few, labels) == []
    assert find_copies(few, labels) == []
