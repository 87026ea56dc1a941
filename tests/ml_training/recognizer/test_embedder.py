"""Photos become vectors, many at a time, each its own, whatever becomes of its neighbours."""

import threading

import numpy as np
import pytest

from ml_training.recognizer.embedder import AHEAD, embed_all
from ml_training.recognizer.preprocess import to_pixels
from tests.factories import draw
from tests.support.vectors import random_pixels

pytestmark = pytest.mark.training


def pixels_of(backbone, kind: int, seed: int = 0) -> np.ndarray:
    return to_pixels(draw(kind, seed), backbone.preprocessing)


def test_vectors_have_length_one_and_the_backbones_size(backbone, embedder):
    vectors = embedder.embed(random_pixels(backbone, 3))
    assert vectors.shape == (3, backbone.vector_size)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_photo_has_the_same_vector_alone_and_among_others(backbone, embedder):
    pixels = random_pixels(backbone, 4)
    together = embedder.embed(pixels)
    alone = np.concatenate([embedder.embed(pixels[i : i + 1]) for i in range(4)])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_same_pixels_give_the_same_vector_to_the_bit(backbone, embedder):
    pixels = random_pixels(backbone, 2)
    assert embedder.embed(pixels).tobytes() == embedder.embed(pixels).tobytes()


def test_photos_of_one_product_lie_nearer_than_those_of_another(backbone, embedder):
    photos = [pixels_of(backbone, kind, seed) for kind in (0, 4) for seed in (0, 1)]
    a, b, x, y = embedder.embed(np.stack(photos))
    assert min(a @ b, x @ y) > max(a @ x, a @ y, b @ x, b @ y)


def test_many_photos_come_back_in_order_with_the_broken_ones_marked(backbone, embedder):
    sources = list(range(3 * AHEAD * embedder.threads + 1))
    broken = {0, 2, 2 * AHEAD + 1, sources[-1]}

    def read(source):
        if source in broken:
            raise ValueError(f"photo {source} is broken")
        return pixels_of(backbone, source % 6, source)

    outcomes = list(embed_all(embedder, sources, read))
    assert [source for source, _, _ in outcomes] == sources
    assert {source for source, vector, error in outcomes if vector is None} == broken
    assert {str(error) for _, _, error in outcomes if error} == {f"photo {n} is broken" for n in broken}
    for source in (1, AHEAD, 2 * AHEAD, sources[-2]):
        own = embedder.embed(pixels_of(backbone, source % 6, source)[None])[0]
        np.testing.assert_allclose(outcomes[source][1].vector, own, atol=1e-4)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_photos_and_none_are_fine(backbone, embedder, count):
    outcomes = list(embed_all(embedder, range(count), lambda source: pixels_of(backbone, source)))
    assert len(outcomes) == count


def test_all_photos_broken_gives_no_vector_and_no_exception(embedder):
    def read(source):
        raise OSError("gone")

    outcomes = list(embed_all(embedder, range(3), read))
    assert [vector for _, vector, _ in outcomes] == [None] * 3


def test_photos_are_read_in_other_threads_and_only_so_far_ahead(backbone, embedder):
    read_by, started = set(), []

    def read(source):
        read_by.add(threading.current_thread().name)
        started.append(source)
        return np.zeros(backbone.preprocessing.shape, np.uint8)

    outcomes = embed_all(embedder, range(10 * AHEAD * embedder.threads), read)
    next(outcomes)
    assert len(started) <= AHEAD * embedder.threads  # memory stays bounded, however many photos a shop has
    outcomes.close()
    assert threading.current_thread().name not in read_by


def test_stopping_early_leaves_the_rest_unread(backbone, embedder):
    started = []

    def read(source):
        started.append(source)
        return np.zeros(backbone.preprocessing.shape, np.uint8)

    def take_some():
        for source, _, _ in embed_all(embedder, range(1000), read):
            if source == 3:
                raise RuntimeError("The run was taken.")

    with pytest.raises(RuntimeError, match="taken"):
        take_some()
    assert len(started) <= 3 + AHEAD * embedder.threads + 1
