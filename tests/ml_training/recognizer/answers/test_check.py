"""Files for devices are used only if they say what the training side says."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from ml_training.recognizer.answers.check import SCORE_TOLERANCE, check_output
from ml_training.recognizer.answers.graph import build_head_file
from ml_training.recognizer.answers.promise import CHOICES, Thresholds, shipped
from ml_training.recognizer.backbone import ExportDiffers
from ml_training.recognizer.export import join
from ml_training.recognizer.head import Head
from ml_training.recognizer.train import fit_model
from tests.support.vectors import random_pixels

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def head(backbone) -> Head:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(2, backbone.vector_size)).astype(np.float32)
    return Head(weights, rng.normal(size=2).astype(np.float32), temperature=1.7)


@pytest.fixture(scope="module")
def shown(backbone, embedder) -> tuple[np.ndarray, np.ndarray]:
    pixels = random_pixels(backbone, 2)
    return pixels, embedder.embed(pixels)


@pytest.fixture(scope="module")
def trained(backbone, shown) -> Head:
    """A head that knows what is shown, among other products, and says how far its answers can be trusted."""
    rng, labels = np.random.default_rng(1), np.repeat(np.arange(4), 3)
    products = np.concatenate([shown[1], rng.normal(size=(2, backbone.vector_size)) / 40])
    vectors = products[labels] + rng.normal(size=(12, backbone.vector_size)) / 80
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return fit_model(vectors.astype(np.float32), labels, lambda: None).head


def files(backbone, head) -> tuple[bytes, bytes]:
    return join(backbone, head), build_head_file(head)


def test_files_that_compute_what_the_head_computes_pass(backbone, head, trained, shown):
    for one in (head, trained):
        assert check_output(*files(backbone, one), one, *shown) <= 1e-3


@pytest.mark.parametrize("change", ["weights", "bias", "temperature", "swapped"])
def test_model_that_differs_from_the_head_is_refused(backbone, head, shown, change):
    other = {
        "weights": Head(head.weights * 1.5, head.bias, head.temperature),
        "bias": Head(head.weights, head.bias + np.float32([0.1, 0]), head.temperature),
        "temperature": Head(head.weights, head.bias, head.temperature * 2),
        "swapped": Head(head.weights[::-1].copy(), head.bias[::-1].copy(), head.temperature),
    }[change]
    with pytest.raises(ExportDiffers, match="exported model differs") as caught:
        check_output(join(backbone, head), build_head_file(other), other, *shown)
    assert caught.value.difference > 1e-3


def test_file_that_computes_no_numbers_is_refused(backbone, head, shown):
    weights = head.weights.copy()
    weights[0, 0] = np.nan
    broken = Head(weights, head.bias, head.temperature)
    for other in (head, broken):
        with pytest.raises(ExportDiffers):
            check_output(*files(backbone, broken), other, *shown)


@pytest.mark.parametrize("factor", [10.0, np.nan])
def test_head_file_with_other_numbers_is_refused(backbone, trained, shown, factor):
    """Each array of it in turn, but for the least distances, beyond which these photos lie."""
    model, whole = join(backbone, trained), onnx.load_from_string(build_head_file(trained))
    least = {name for node in whole.graph.node if node.op_type in {"Max", "Min"} for name in node.input}
    for number, tensor in enumerate(whole.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.int64 or tensor.name in least:
            continue
        broken = onnx.ModelProto()
        broken.CopyFrom(whole)
        other = (values.astype(np.float32) * np.float32(factor)).astype(values.dtype)
        broken.graph.initializer[number].CopyFrom(numpy_helper.from_array(other, tensor.name))
        with pytest.raises(ExportDiffers, match="exported head differs"):
            check_output(model, broken.SerializeToString(), trained, *shown)


def test_scores_within_the_tolerance_answer_alike_but_for_those_beside_a_threshold(trained, shown):
    """So there is nothing else to compare."""
    levels = Thresholds(dict.fromkeys(CHOICES, 1.0), -1.0)
    scores = np.linspace(-3, 3, 601)
    for off in (-SCORE_TOLERANCE, SCORE_TOLERANCE):
        for threshold in (levels.named[CHOICES[0]], levels.unknown_below):
            other = (scores > threshold) != (scores + off > threshold)
            assert (np.abs(scores[other] - threshold) <= SCORE_TOLERANCE).all()
    assert np.diff(shipped().scores).min() > 2 * SCORE_TOLERANCE
    chances = trained.open_set.confidence(scores)
    assert np.abs(trained.open_set.confidence(scores + SCORE_TOLERANCE) - chances).max() < 0.015
