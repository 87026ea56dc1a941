"""Backbones are exported once, prove themselves, and are known by their id and hash."""

import hashlib
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from ml_training.recognizer.backbone import (
    PACKAGED,
    PACKAGED_VERSIONS,
    ExportDiffers,
    load_encoder,
    packaged_backbone,
)
from ml_training.recognizer.half_precision import with_half_weights
from tests.support.vectors import random_pixels


@pytest.fixture(scope="module")
def encoder():
    return with_half_weights(load_encoder(PACKAGED["efficientnet-lite0"]))


def in_torch(encoder, pixels: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return encoder(torch.from_numpy(pixels)).numpy()


@pytest.mark.training
def test_exported_file_computes_what_torch_computes(backbone, encoder, embedder):
    pixels = random_pixels(backbone, 3, seed=5)
    np.testing.assert_allclose(embedder.embed(pixels), in_torch(encoder, pixels), atol=1e-4)


@pytest.mark.training
def test_looks_are_what_the_backbone_says_of_each_view_alone(backbone, encoder, embedder):
    pixels = random_pixels(backbone, 2, seed=6)
    one, two = (embedder.embed_one(of_photo) for of_photo in pixels)
    views = len(backbone.preprocessing.views)
    assert one.looks.shape == (views, backbone.vector_size)
    np.testing.assert_allclose(two.vector, embedder.embed(pixels)[1], atol=1e-5)
    for view in range(views):
        alone = np.repeat(pixels[:1, view : view + 1], views, axis=1)
        np.testing.assert_allclose(one.looks[view], in_torch(encoder, alone)[0], atol=1e-4)


@pytest.mark.training
def test_exported_file_says_its_hash_and_size(backbone, embedder):
    assert backbone.sha256 == hashlib.sha256(backbone.path.read_bytes()).hexdigest()
    assert embedder.embed(random_pixels(backbone, 1)).shape == (1, backbone.vector_size)


@pytest.mark.training
def test_exported_file_takes_raw_pixels_of_any_number_of_photos(backbone):
    session = onnxruntime.InferenceSession(backbone.path)
    (pixels,) = session.get_inputs()
    assert (pixels.name, pixels.type) == ("pixels", "tensor(uint8)")
    assert pixels.shape[1:] == list(backbone.preprocessing.shape)
    for count in (1, 2, 5):
        (vectors,) = session.run(["vectors"], {"pixels": random_pixels(backbone, count)})
        assert vectors.shape == (count, backbone.vector_size)


@pytest.mark.training
def test_backbone_that_is_there_is_not_exported_again(backbone, tmp_path):
    folder = tmp_path / "backbones"
    folder.mkdir()
    shutil.copy(backbone.path, folder)
    (copy,) = folder.iterdir()
    before = copy.stat().st_mtime_ns
    found = packaged_backbone("efficientnet-lite0", tmp_path)
    assert (found.path, found.sha256, found.id) == (copy, backbone.sha256, backbone.id)
    assert copy.stat().st_mtime_ns == before


def test_export_that_fails_leaves_no_file_that_could_be_taken_for_a_whole_one(tmp_path, monkeypatch):
    def half_written(*args, **kwargs):
        args[2].write_bytes(b"half a file")
        raise OSError("No space left on device")

    monkeypatch.setattr(torch.onnx, "export", half_written)
    with pytest.raises(OSError, match="No space left"):
        packaged_backbone("efficientnet-lite0", tmp_path)
    assert list((tmp_path / "backbones").iterdir()) == []


@pytest.mark.training
def test_file_that_computes_something_else_is_refused(backbone, tmp_path, monkeypatch):
    def export_another_network(*args, **kwargs):
        model = onnx.load(backbone.path)
        weights = next(item for item in model.graph.initializer if len(item.dims) == 4)
        weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights) * 2, weights.name))
        onnx.save(model, args[2])

    monkeypatch.setattr(torch.onnx, "export", export_another_network)
    with pytest.raises(ExportDiffers, match="exported backbone differs") as caught:
        packaged_backbone("efficientnet-lite0", tmp_path)
    assert caught.value.difference > 1e-3
    assert list((tmp_path / "backbones").iterdir()) == []


def test_ids_tell_backbones_and_their_preprocessing_apart():
    assert list(PACKAGED_VERSIONS) == [
        "efficientnet-lite0-224-v1",
        "efficientnet-lite0-224-v2",
        "efficientnet-lite2-260-v1",
        "efficientnet-lite2-260-v2",
    ]
    for packaged in PACKAGED_VERSIONS.values():
        assert packaged.architecture in packaged.id
        assert str(packaged.preprocessing.side) in packaged.id
        assert packaged.id.endswith(f"v{packaged.preprocessing.version}")


def test_new_models_are_made_for_the_newest_version():
    assert {name: packaged.preprocessing.version for name, packaged in PACKAGED.items()} == {
        "efficientnet-lite0": 2,
        "efficientnet-lite2": 2,
    }
