"""A model's files describe themselves, prove themselves, and can be read without trusting them."""

import ast
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from safetensors.numpy import load, save

import ml_training
from ml_training.recognizer.calibration import softmax
from ml_training.recognizer.export import (
    FILES,
    _describe_open_set,
    _tensors,
    build_files,
    read_head,
)
from ml_training.recognizer.head import Head
from ml_training.recognizer.train import fit_model
from tests.support.vectors import easy_sample, random_pixels

pytestmark = pytest.mark.training

LABELS = [{"id": 1, "sku": "a", "name": "Käse"}, {"id": 2, "sku": "b", "name": "Brot"}]
METADATA = {"labels": LABELS, "version": 3}


@pytest.fixture(scope="module")
def head(backbone) -> Head:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(2, backbone.vector_size)).astype(np.float32)
    return Head(weights, rng.normal(size=2).astype(np.float32), temperature=1.7)


@pytest.fixture(scope="module")
def files(backbone, head):
    return build_files(backbone, head, METADATA)


def test_there_are_five_files_and_each_has_its_hash(files):
    assert {kind: file.name for kind, file in files.items()} == FILES
    for file in files.values():
        assert file.sha256 == hashlib.sha256(file.content).hexdigest()


def test_model_json_describes_the_model_and_the_other_files(files, backbone, head):
    model = json.loads(files["model_json"].content)
    assert model["format"] == "shelfsight/2"
    assert (model["backbone"]["id"], model["backbone"]["sha256"]) == (backbone.id, backbone.sha256)
    assert model["backbone"]["preprocessing"] == json.loads(json.dumps(backbone.preprocessing.as_json()))
    assert (model["head"]["classes"], model["head"]["vector_size"]) == head.weights.shape
    assert set(model["files"]) == {"weights", "metadata", "onnx", "head_onnx"}
    for kind, described in model["files"].items():
        file = files[kind]
        assert described == {"name": file.name, "sha256": file.sha256, "bytes": len(file.content)}


def test_metadata_is_kept_as_it_was_given(files):
    assert json.loads(files["metadata"].content) == METADATA
    assert "Käse".encode() in files["metadata"].content


def test_same_model_makes_the_same_files(files, backbone, head):
    again = build_files(backbone, head, METADATA)
    assert {kind: file.sha256 for kind, file in again.items()} == {
        kind: file.sha256 for kind, file in files.items()
    }


def test_head_is_read_back_as_it_was(files, head):
    read = read_head(files["model_json"].content, files["weights"].content)
    np.testing.assert_array_equal(read.weights, head.weights)
    np.testing.assert_array_equal(read.bias, head.bias)
    assert read.temperature == head.temperature


def test_onnx_file_computes_the_heads_probabilities_from_raw_pixels(files, backbone, head, embedder):
    pixels = random_pixels(backbone, 3, seed=9)
    session = onnxruntime.InferenceSession(files["onnx"].content)
    assert [item.name for item in session.get_inputs()] == ["pixels"]
    (probabilities,) = session.run(["probabilities"], {"pixels": pixels})
    np.testing.assert_allclose(probabilities, softmax(head.logits(embedder.embed(pixels))), atol=1e-3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    onnx.checker.check_model(onnx.load_from_string(files["onnx"].content))


def test_whoever_takes_the_first_output_gets_probabilities_and_can_have_the_rest(
    files, backbone, head, embedder
):
    pixels = random_pixels(backbone, 2)
    session = onnxruntime.InferenceSession(files["onnx"].content)
    names = [output.name for output in session.get_outputs()]
    assert names == ["probabilities", "logits", "score", "vectors"]
    probabilities, logits, _, vectors = session.run(None, {"pixels": pixels})
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(vectors, embedder.embed(pixels), atol=1e-5)
    np.testing.assert_allclose(logits / head.temperature, head.logits(vectors), atol=1e-4)


def test_unknown_format_is_refused_and_named(files):
    model = json.loads(files["model_json"].content) | {"format": "shelfsight/99"}
    with pytest.raises(ValueError, match="shelfsight/99"):
        read_head(json.dumps(model).encode(), files["weights"].content)


def test_weights_that_do_not_fit_the_description_are_refused(files):
    model = json.loads(files["model_json"].content)
    model["head"]["classes"] = 5
    with pytest.raises(ValueError, match="5"):
        read_head(json.dumps(model).encode(), files["weights"].content)


def test_every_file_is_read_by_a_format_that_cannot_carry_code(files):
    assert set(load(files["weights"].content)) == {"weights", "bias"}
    for kind in ("model_json", "metadata"):
        json.loads(files[kind].content)
    for kind in ("onnx", "head_onnx"):
        assert onnx.load_from_string(files[kind].content).functions == []


def test_nothing_in_training_pickles_or_reads_a_pickle():
    sources = [ast.parse(path.read_text()) for path in Path(ml_training.__path__[0]).rglob("*.py")]
    nodes = [node for source in sources for node in ast.walk(source)]
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {"torch", "numpy"} <= imported
    assert not {"pickle", "joblib", "dill", "shelve", "cloudpickle"} & imported
    calls = [ast.unparse(node) for node in nodes if isinstance(node, ast.Call)]
    loads = [call for call in calls if call.startswith("torch.load(")]
    assert loads
    assert all("weights_only=True" in call for call in loads)
    assert not [call for call in calls if call.startswith("torch.save(") or "allow_pickle=True" in call]


@pytest.fixture(scope="module")
def trained() -> Head:
    sample = easy_sample(products=6, photos=5)
    return fit_model(sample.vectors, sample.labels, lambda: None).head


def test_how_far_answers_can_be_trusted_is_read_back_as_it_was(trained):
    read = read_head(json.dumps(described(trained)).encode(), save(_tensors(trained))).open_set
    assert read.thresholds == trained.open_set.thresholds
    assert (read.score.bias, read.list_gap) == (trained.open_set.score.bias, trained.open_set.list_gap)
    np.testing.assert_array_equal(read.score.weights, trained.open_set.score.weights)
    assert read.confidence_line == pytest.approx(trained.open_set.confidence_line)
    np.testing.assert_array_equal(read.spread.photos, trained.open_set.spread.photos)


def test_files_of_the_release_before_are_read(trained):
    """They have six features, and thresholds by the share of unknown photos named."""
    model = described(trained) | {"format": "shelfsight/1"}
    model["open_set"] = {"weights": [1.0] * 6, "thresholds": {"0.02": 2.5, "0.05": 2.0}}
    tensors = _tensors(trained)
    del tensors["photos"]
    read = read_head(json.dumps(model).encode(), save(tensors)).open_set
    assert set(read.thresholds.named.values()) == {2.5}
    assert read.score.of(np.arange(9.0)[None]).tolist() == [sum(range(6))]
    assert np.isfinite(read.scores(trained.open_set.means, trained.logits(trained.open_set.means))).all()


@pytest.mark.parametrize(
    "change",
    [
        {"bias": float("nan")},
        {"bias": True},
        {"bias": "1e5"},
        {"bias": 10**400},
        {"weights": [1.0]},
        {"weights": "1"},
        {"scale": [0.0] * 9},
        {"scale": [True] * 9},
        {"scale": ["1"] * 9},
        {"centre": [float("inf")] * 9},
        {"centre": [[1.0]] * 9},
    ],
)
def test_score_that_makes_no_sense_is_refused(trained, change):
    model = described(trained)
    model["open_set"]["score"] |= change
    with pytest.raises(ValueError, match="score"):
        read_head(json.dumps(model).encode(), save(_tensors(trained)))


@pytest.mark.parametrize(
    "change",
    [
        {"named_above": []},
        {"confidence": [1.0, float("inf")]},
        {"confidence": [True, "1"]},
        {"confidence": "12"},
        {"list_gap": float("inf")},
        {"list_gap": True},
        {"unknown_below": "1e5"},
    ],
)
def test_trust_that_makes_no_sense_is_refused(trained, change):
    model = described(trained)
    model["open_set"] |= change
    with pytest.raises(ValueError, match=r"open_set|named_above"):
        read_head(json.dumps(model).encode(), save(_tensors(trained)))


@pytest.mark.parametrize(
    ("name", "value"), [("photos", 1.9), ("photos", True), ("photos", "1"), ("score", True)]
)
def test_threshold_for_what_is_no_number_is_refused(trained, name, value):
    model = described(trained)
    model["open_set"]["named_above"][0][name] = value
    with pytest.raises(ValueError, match=f"named_above.{name} must be"):
        read_head(json.dumps(model).encode(), save(_tensors(trained)))


@pytest.mark.parametrize("value", [3e38, 1e38])
def test_distances_of_which_no_plane_can_be_made_are_refused(trained, value):
    tensors = _tensors(trained)
    tensors["between"] = np.full_like(tensors["between"], value)
    tensors["between"][0, 1:] = 0
    with pytest.raises(ValueError, match="between must be distances"):
        read_head(json.dumps(described(trained)).encode(), save(tensors))


def described(head: Head) -> dict:
    classes, size = head.weights.shape
    about = {"classes": classes, "vector_size": size, "temperature": head.temperature}
    return {"format": "shelfsight/2", "head": about, "open_set": _describe_open_set(head.open_set)}
