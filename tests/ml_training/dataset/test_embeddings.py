"""A photo's vector is computed once for each backbone, whoever asks."""

import numpy as np
import pytest
from django.core.files.storage import default_storage

from catalog.models import ProductImage
from ml_training.backbones.loader import open_embedder
from ml_training.dataset.embeddings import (
    CHUNK,
    EmbeddingTable,
    load_embeddings,
    looks_of_few,
    read_pixels,
    read_some,
    stored_vectors,
)
from ml_training.dataset.manifest import read_manifest
from ml_training.models import ImageEmbedding
from tests.factories import add_photo, make_shop, stock

pytestmark = pytest.mark.training


@pytest.fixture
def embedder():
    return open_embedder()


def load(shop, embedder, fresh=False):
    shares = []
    vectors, aside = load_embeddings(embedder, read_manifest(shop.pk), shares.append, fresh)
    return vectors, aside, shares


def test_every_photo_gets_the_vector_of_its_own_pixels(shop, embedder):
    stock(shop, products=3, photos=2)
    vectors, aside, _ = load(shop, embedder)
    manifest = read_manifest(shop.pk)
    assert set(vectors) == {photo.sha256 for photo in manifest.photos}
    assert aside == []
    for photo in manifest.photos:
        pixels = read_pixels([photo], embedder.backbone.preprocessing)
        np.testing.assert_allclose(vectors[photo.sha256], embedder.embed(pixels[None])[0], atol=1e-4)


def test_what_looks_saw_is_kept_and_read_for_products_with_few_photos(shop, embedder):
    first, _ = stock(shop, products=2, photos=3)
    vectors, _, _ = load(shop, embedder)
    table, manifest = EmbeddingTable(embedder.backbone.id), read_manifest(shop.pk)
    looks = looks_of_few(table, manifest)
    assert looks.photos.tolist() == [0, 1, 2, 3, 4, 5]
    for row, seen in zip(looks.photos, looks.vectors, strict=True):
        photo = manifest.photos[row]
        expected = embedder.embed_one(read_pixels([photo], embedder.backbone.preprocessing))
        np.testing.assert_allclose(seen, expected.looks, atol=1e-3)
        np.testing.assert_allclose(vectors[photo.sha256], expected.vector, atol=1e-4)
    add_photo(first, seed=99)  # it has more than a few now
    load(shop, embedder)
    assert looks_of_few(table, read_manifest(shop.pk)).photos.tolist() == [4, 5, 6]


def test_photos_embedded_by_a_backbone_that_tells_no_looks_have_none(shop, embedder):
    stock(shop, products=2, photos=1)
    load(shop, embedder)
    ImageEmbedding.objects.update(looks=None)
    assert looks_of_few(EmbeddingTable(embedder.backbone.id), read_manifest(shop.pk)) is None


def test_second_call_computes_nothing_and_gives_the_same(shop, embedder):
    stock(shop, products=2, photos=2)
    first, _, shares = load(shop, embedder)
    assert shares == [0.25, 0.5, 0.75, 1.0]
    for photo in ProductImage.objects.all():
        default_storage.delete(photo.image.name)
    second, aside, shares = load(shop, embedder)
    assert shares == aside == []
    assert {key: vector.tobytes() for key, vector in first.items()} == {
        key: vector.tobytes() for key, vector in second.items()
    }
    assert ImageEmbedding.objects.count() == 4


def test_photo_known_from_another_shop_is_not_looked_at_again(shop, embedder):
    stock(shop, products=2, photos=1)
    load(shop, embedder)
    other = make_shop("other", products=2, photos=1)  # draws the same photos
    _, _, shares = load(other, embedder)
    assert shares == []
    assert ImageEmbedding.objects.count() == 2


def test_vectors_of_another_backbone_are_not_used(shop, embedder):
    stock(shop, products=2, photos=1)
    load(shop, embedder)
    ImageEmbedding.objects.update(backbone="another-backbone-v1")
    _, _, shares = load(shop, embedder)
    assert len(shares) == 2
    assert ImageEmbedding.objects.count() == 4


def test_looking_afresh_replaces_the_stored_vectors(shop, embedder):
    stock(shop, products=2, photos=1)
    good, _, _ = load(shop, embedder)
    ImageEmbedding.objects.update(vector=bytes(4))
    again, _, shares = load(shop, embedder, fresh=True)
    assert len(shares) == 2
    stored = stored_vectors(embedder.backbone.id, list(good))
    for sha256, vector in good.items():
        assert vector.tobytes() == again[sha256].tobytes() == stored[sha256].tobytes()


def test_more_vectors_than_fit_one_query_are_all_read(db):
    rows = [
        ImageEmbedding(sha256=f"{number:064}", backbone="b", vector=np.float32([number]).tobytes())
        for number in range(2 * CHUNK + 1)
    ]
    ImageEmbedding.objects.bulk_create(rows)
    found = stored_vectors("b", [row.sha256 for row in rows])
    assert {int(sha256): float(vector[0]) for sha256, vector in found.items()} == {
        number: float(number) for number in range(2 * CHUNK + 1)
    }
    assert stored_vectors("b", ["f" * 64]) == {}


def test_photos_to_check_a_model_on_come_with_their_vectors(shop, embedder):
    stock(shop, products=2, photos=2)
    vectors, _, _ = load(shop, embedder)
    manifest = read_manifest(shop.pk)
    default_storage.delete(manifest.photos[1].path)
    pixels, found = read_some(manifest.photos, embedder, vectors)
    assert pixels.shape == (3, *embedder.backbone.preprocessing.shape)
    np.testing.assert_allclose(embedder.embed(pixels), found, atol=1e-4)


def test_model_is_checked_on_noise_when_no_file_is_left(shop, embedder):
    pixels, found = read_some([], embedder, {})
    assert pixels.dtype == np.uint8
    np.testing.assert_allclose(embedder.embed(pixels), found, atol=1e-4)
