"""Random looks at photos are the same whoever takes them and whenever."""

import numpy as np
import pytest
import torch
from PIL import Image

from ml_training.recognizer.finetune.photos import batches, keep_small_copy, random_crop
from tests.factories import draw


@pytest.fixture
def paths(tmp_path):
    made = [tmp_path / f"{number}.jpg" for number in range(10)]
    for number, path in enumerate(made):
        keep_small_copy(draw(number % 3, number, (200, 150)), 64, path)
    return made


def pixels_of(paths, epoch=0, threads=1) -> list[torch.Tensor]:
    return [
        x for x, _ in batches(paths, torch.arange(len(paths)), 64, 4, seed=0, epoch=epoch, threads=threads)
    ]


def test_small_copy_is_as_large_as_the_network_needs(tmp_path):
    keep_small_copy(draw(0, 0, (400, 300)), 64, tmp_path / "a.jpg")
    keep_small_copy(draw(0, 0, (70, 60)), 64, tmp_path / "b.jpg")
    assert Image.open(tmp_path / "a.jpg").size == (107, 80)
    assert Image.open(tmp_path / "b.jpg").size == (70, 60)
    assert len(list(tmp_path.iterdir())) == 2  # nothing half-written is left


def test_same_epoch_shows_the_same_looks_with_any_number_of_threads(paths):
    for one, other in zip(pixels_of(paths, threads=1), pixels_of(paths, threads=3), strict=True):
        assert torch.equal(one, other)


def test_each_epoch_shows_other_looks_in_another_order(paths):
    first, second = pixels_of(paths, epoch=0), pixels_of(paths, epoch=1)
    assert not any(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_batches_are_full_and_their_labels_fit(paths):
    found = list(batches(paths, torch.arange(10), 64, 4, seed=0, epoch=0))
    assert [len(x) for x, _ in found] == [4, 4]
    labels = torch.cat([y for _, y in found]).tolist()
    assert len(set(labels)) == 8


def test_fewer_photos_than_a_batch_make_one_batch(paths):
    ((pixels, labels),) = batches(paths[:3], torch.arange(3), 64, 4, seed=0, epoch=0)
    assert pixels.shape == (3, 3, 64, 64)
    assert sorted(labels.tolist()) == [0, 1, 2]


def test_look_is_a_part_of_the_photo(paths):
    look = random_crop(paths[0], 64, np.random.default_rng(0))
    assert look.shape == (64, 64, 3)
    assert look.dtype == np.uint8
