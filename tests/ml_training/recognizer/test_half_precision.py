"""The file of a backbone has half the bytes and says nearly the same."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from django.conf import settings
from onnx import TensorProto, helper, numpy_helper

from ml_training.recognizer.backbone import PACKAGED, PACKAGED_VERSIONS, load_encoder, open_packaged
from ml_training.recognizer.half_precision import HALF, round_to_half, store_as_half, with_half_weights

LITE0 = PACKAGED["efficientnet-lite0"]


def vectors_of(encoder, pixels: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return encoder(pixels).numpy()


def arrays(path) -> dict[int, int]:
    """Bytes by type of number."""
    found: dict[int, int] = {}
    for tensor in onnx.load(path).graph.initializer:
        found[tensor.data_type] = found.get(tensor.data_type, 0) + len(tensor.raw_data)
    return found


def test_rounded_encoder_sees_nearly_the_same_and_the_one_given_stays():
    encoder = load_encoder(LITE0)
    pixels = torch.randint(
        0, 256, (2, *LITE0.preprocessing.shape), dtype=torch.uint8, generator=torch.manual_seed(3)
    )
    before = vectors_of(encoder, pixels)
    rounded = with_half_weights(encoder)
    assert ((vectors_of(rounded, pixels) * before).sum(axis=1) > 0.9999).all()
    np.testing.assert_array_equal(vectors_of(encoder, pixels), before)
    weights = [*rounded.network.parameters()]
    assert len(weights) > 90
    unused = {"_fc.weight", "_fc.bias"}  # the classifier of ImageNet, which no vector needs
    for name, values in rounded.network.named_parameters():
        assert name in unused or torch.equal(values, values.half().float()), name


@pytest.mark.training
def test_packaged_file_keeps_nearly_all_its_weights_as_float16(backbone):
    by_type = arrays(backbone.path)
    assert by_type[TensorProto.FLOAT16] > 1000 * by_type.get(TensorProto.FLOAT, 0)
    assert backbone.path.stat().st_size < 7_000_000


@pytest.mark.training
def test_casts_cost_nothing_once_the_file_is_open(backbone, tmp_path):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "as_it_runs.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    onnxruntime.InferenceSession(backbone.path, options, providers=["CPUExecutionProvider"])
    runs = onnx.load(tmp_path / "as_it_runs.onnx").graph
    assert [node.op_type for node in runs.node].count("Cast") == 1  # that of the pixels
    assert not [tensor for tensor in runs.initializer if tensor.data_type == TensorProto.FLOAT16]


@pytest.mark.training
def test_version_1_is_exported_as_it_was():
    first = open_packaged(PACKAGED_VERSIONS["efficientnet-lite0-224-v1"], settings.CACHE_DIR)
    assert TensorProto.FLOAT16 not in arrays(first.path)


def test_numbers_that_float16_does_not_hold_stay_as_they_are(tmp_path):
    given = {"exact": [0.5, -2.0], "inexact": [0.1, 1.0], "large": [1.0, 1e6]}
    nodes = [helper.make_node("Sum", [*given, "x"], ["y"])]
    vector = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in "xy"]
    tensors = [numpy_helper.from_array(np.array(v, np.float32), name) for name, v in given.items()]
    graph = helper.make_graph(nodes, "sum", vector[:1], vector[1:], tensors)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10),
        tmp_path / "a.onnx",
    )
    store_as_half(tmp_path / "a.onnx")
    names = {tensor.name: tensor.data_type for tensor in onnx.load(tmp_path / "a.onnx").graph.initializer}
    assert names == {
        f"exact{HALF}": TensorProto.FLOAT16,
        "inexact": TensorProto.FLOAT,
        "large": TensorProto.FLOAT,
    }
    (y,) = onnxruntime.InferenceSession(tmp_path / "a.onnx").run(None, {"x": np.zeros(2, np.float32)})
    np.testing.assert_array_equal(y, np.sum([np.array(v, np.float32) for v in given.values()], axis=0))


def test_rows_are_rounded_once_to_what_float16_holds():
    rows = np.random.default_rng(0).normal(size=(4, 50)).astype(np.float32)
    rounded = round_to_half(rows)
    assert rounded.dtype == np.float32
    np.testing.assert_array_equal(rounded.astype(np.float16), rounded)
    np.testing.assert_allclose(rounded, rows, rtol=1e-3)
    np.testing.assert_array_equal(round_to_half(rounded), rounded)


@pytest.mark.parametrize("row", [[1.0, 7e4], [1.0, -1e6], [1e-9, 2e-9], [3e-8, 4e-8], [1.0, np.nan]])
def test_rows_that_float16_cannot_hold_stay_as_they_are(row):
    rows = np.array([[0.1, 0.2], row], np.float32)
    np.testing.assert_array_equal(round_to_half(rows), rows)


def test_row_of_nothing_and_tiny_numbers_beside_others_are_rounded():
    rows = np.array([[0.0, 0.0], [0.1, 1e-9]], np.float32)
    assert round_to_half(rows).tolist() == [[0.0, 0.0], [float(np.float16(0.1)), 0.0]]


def test_a_file_says_nothing_of_the_code_and_the_paths_that_it_came_from(tmp_path):
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    node = helper.make_node("Relu", ["x"], ["y"], doc_string="/home/somebody/encoder.py:12")
    node.metadata_props.add(key="pkg.torch.onnx.stack_trace", value="File /home/somebody/encoder.py")
    graph = helper.make_graph(
        [node], "g", [value], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])]
    )
    graph.doc_string = "/home/somebody"
    onnx.save(helper.make_model(graph), tmp_path / "a.onnx")

    store_as_half(tmp_path / "a.onnx")

    assert b"somebody" not in (tmp_path / "a.onnx").read_bytes()
    assert [one.op_type for one in onnx.load(tmp_path / "a.onnx").graph.node] == ["Relu"]
