"""An ONNX encoder of one's own is checked before anyone computes with it, and speaks as all backbones do."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from ml_training.recognizer.backbone import file_sha256
from ml_training.recognizer.custom_backbone import BackboneRefused, open_custom_backbone, read_custom_backbone
from ml_training.recognizer.preprocess import View

SIDE = 32


def write_encoder(folder, *nodes, output=("photos", 4), weights=None):
    """A small encoder: the mean of each channel, times a matrix; or what `nodes` say."""
    weights = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32) if weights is None else weights
    nodes = nodes or (
        helper.make_node("ReduceMean", ["image", "axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["vector"]),
    )
    graph = helper.make_graph(
        list(nodes),
        "encoder",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["photos", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, list(output))],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([2, 3], np.int64), "axes"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, folder / "encoder.onnx")
    return folder / "encoder.onnx"


def describe(folder, **changes):
    described = {
        "name": "tiny",
        "file": "encoder.onnx",
        "sha256": file_sha256(folder / "encoder.onnx"),
        "side": SIDE,
        "mean": [0.5, 0.4, 0.3],
        "std": [0.2, 0.2, 0.25],
    }
    path = folder / "encoder.json"
    path.write_text(json.dumps({k: v for k, v in (described | changes).items() if v is not None}))
    return read_custom_backbone(path)


def test_encoder_is_wrapped_to_take_raw_pixels(tmp_path):
    write_encoder(tmp_path)
    own = describe(tmp_path)
    backbone = open_custom_backbone(own, tmp_path)
    assert backbone.vector_size == 4
    assert backbone.preprocessing.side == SIDE
    pixels = np.random.default_rng(1).integers(0, 256, (3, *backbone.preprocessing.shape), np.uint8)
    (vectors,) = onnxruntime.InferenceSession(backbone.path).run(["vectors"], {"pixels": pixels})

    weights = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    colours = (pixels / 255 - np.array(own.mean)) / np.array(own.std)
    views = colours.mean(axis=(2, 3)) @ weights  # (N, V, 4)
    views /= np.linalg.norm(views, axis=2, keepdims=True)
    expected = views.sum(axis=1)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, expected, atol=1e-4)


def test_other_file_or_other_pixels_make_another_id(tmp_path):
    write_encoder(tmp_path)
    changes = ({}, {"mean": [0, 0, 0]}, {"sha256": "0" * 64})
    assert len({describe(tmp_path, **change).id for change in changes}) == 3


def test_id_is_that_of_earlier_releases_unless_a_view_lies_lower(tmp_path):
    """Its vectors and models are found by it."""
    write_encoder(tmp_path)
    given = {"sha256": "0" * 64, "views": [{"share": 0.875}, {"share": 0.6, "mirrored": True}]}
    assert describe(tmp_path, **given).id == describe(tmp_path, sha256="0" * 64).id == "tiny-f269849ac228"
    given["views"][1]["down"] = 0.1
    lower = describe(tmp_path, **given)
    assert lower.views[1] == View(0.6, mirrored=True, down=0.1)
    assert lower.id != "tiny-f269849ac228"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sha256": "0" * 64}, "another file"),
        ({"file": "nowhere.onnx"}, "no file"),
        ({"side": 48}, "cannot be run|is no ONNX"),
        ({"side": 7}, "side must be"),
        ({"std": [1, 1, 0]}, "std above 0"),
        ({"mean": [1, 2]}, "cannot be read"),
        ({"name": "../evil"}, "name letters"),
        ({"mean": None}, "lacks mean"),
        ({"more": 1}, "has more too much"),
        ({"views": [{"share": 2}]}, "share"),
        ({"views": [{"share": 0.6, "down": 0.3}]}, "inside the photo"),
    ],
)
def test_wrong_description_is_refused_with_what_to_mend(tmp_path, changes, said):
    write_encoder(tmp_path)
    with pytest.raises(BackboneRefused, match=said):
        open_custom_backbone(describe(tmp_path, **changes), tmp_path)
    assert not (tmp_path / "backbones").exists() or not list((tmp_path / "backbones").iterdir())


def test_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "encoder.onnx").write_bytes(b"not a model")
    with pytest.raises(BackboneRefused, match="no ONNX file"):
        open_custom_backbone(describe(tmp_path), tmp_path)


def test_encoder_that_answers_differently_each_time_is_refused(tmp_path):
    noisy = (
        helper.make_node("ReduceMean", ["image", "axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["sums"]),
        helper.make_node("RandomNormalLike", ["sums"], ["noise"]),
        helper.make_node("Add", ["sums", "noise"], ["vector"]),
    )
    write_encoder(tmp_path, *noisy)
    with pytest.raises(BackboneRefused, match="same twice"):
        open_custom_backbone(describe(tmp_path), tmp_path)


def test_encoder_that_sees_nothing_is_refused(tmp_path):
    blind = (
        helper.make_node("ReduceMean", ["image", "axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["sums"]),
        helper.make_node("Sub", ["sums", "sums"], ["nothing"]),
        helper.make_node("Exp", ["nothing"], ["vector"]),
    )
    write_encoder(tmp_path, *blind)
    with pytest.raises(BackboneRefused, match="whatever it is shown"):
        open_custom_backbone(describe(tmp_path), tmp_path)


def test_feature_maps_are_refused(tmp_path):
    same = helper.make_node("Identity", ["image"], ["vector"])
    write_encoder(tmp_path, same, output=("photos", 3, SIDE, SIDE))
    with pytest.raises(BackboneRefused, match="one vector a photo"):
        open_custom_backbone(describe(tmp_path), tmp_path)
