"""Writes a trained model as five files that prove themselves, and reads them back.

`model.json` says what the model is, `weights.safetensors` holds the head, `metadata.json` the labels and
figures, `model.onnx` everything from pixels to probabilities in one graph, `head.onnx` what follows on the
backbone. Nothing is pickled. The files are described in docs/model-files.md.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import onnx
from onnx import TensorProto, helper
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

from ml_training.recognizer.answers.graph import PRODUCER, Steps, add_answer, build_head_file, outputs
from ml_training.recognizer.answers.open_set import OpenSet
from ml_training.recognizer.answers.reading import read_open_set, translate
from ml_training.recognizer.backbone import Backbone
from ml_training.recognizer.head import Head

FORMAT = "shelfsight/2"
EARLIER_FORMAT = "shelfsight/1"  # is read and not written any more
FILES = {
    "model_json": "model.json",
    "weights": "weights.safetensors",
    "metadata": "metadata.json",
    "onnx": "model.onnx",
    "head_onnx": "head.onnx",  # versions of earlier releases have none
}


@dataclass(frozen=True)
class ModelFile:
    name: str
    content: bytes
    sha256: str


def build_files(backbone: Backbone, head: Head, metadata: dict) -> dict[str, ModelFile]:
    """Build a model's files in memory.

    Args:
        metadata: JSON-serialisable; its `labels` list has one entry a class, in the head's order.
    Returns:
        The files by kind (the keys of `FILES`).
    """
    files = {
        "weights": _file("weights", save_safetensors(_tensors(head))),
        "metadata": _file("metadata", _json(metadata)),
        "onnx": _file("onnx", join(backbone, head)),
        "head_onnx": _file("head_onnx", build_head_file(head)),
    }
    described = {
        "format": FORMAT,
        "backbone": {
            "id": backbone.id,
            "sha256": backbone.sha256,
            "preprocessing": backbone.preprocessing.as_json(),
            "vector_size": backbone.vector_size,
        },
        "head": {
            "kind": "linear",
            "classes": len(head.bias),
            "vector_size": head.weights.shape[1],
            "temperature": head.temperature,
        },
        "open_set": _describe_open_set(head.open_set),
        "files": {
            kind: {"name": file.name, "sha256": file.sha256, "bytes": len(file.content)}
            for kind, file in files.items()
        },
    }
    return {"model_json": _file("model_json", _json(described)), **files}


def replace_metadata(model_json: bytes, metadata: dict) -> dict[str, ModelFile]:
    """Build a model's `metadata` anew, and the `model_json` that names its hash; the two files by kind."""
    file = _file("metadata", _json(metadata))
    described = json.loads(model_json)
    described["files"]["metadata"] = {"name": file.name, "sha256": file.sha256, "bytes": len(file.content)}
    return {"model_json": _file("model_json", _json(described)), "metadata": file}


def _file(kind: str, content: bytes) -> ModelFile:
    return ModelFile(FILES[kind], content, hashlib.sha256(content).hexdigest())


def _tensors(head: Head) -> dict[str, np.ndarray]:
    tensors = {"weights": head.weights, "bias": head.bias}
    if head.open_set is not None:
        spread = head.open_set.spread
        tensors |= {"between": head.open_set.between, "means": head.open_set.means}
        tensors |= {"spread_in_plane": spread.in_plane, "spread_plain": spread.plain, "photos": spread.photos}
    return tensors


def _describe_open_set(open_set: OpenSet | None) -> dict | None:
    if open_set is None:
        return None
    return {
        "score": {
            "centre": open_set.score.centre.tolist(),
            "scale": open_set.score.scale.tolist(),
            "weights": open_set.score.weights.tolist(),
            "bias": open_set.score.bias,
        },
        "confidence": list(open_set.confidence_line),
        "named_above": [
            {"wrong": wrong, "foreign": foreign, "photos": views, "score": score}
            for (wrong, foreign, views), score in open_set.thresholds.named.items()
        ],
        "unknown_below": open_set.thresholds.unknown_below,
        "list_gap": open_set.list_gap,
    }


def _json(value: dict) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode()


def join(backbone: Backbone, head: Head) -> bytes:
    """Join a backbone's graph with a head: `pixels` (N, V, side, side, 3) uint8 to `probabilities` (N, C).

    Beside these it gives `logits`, `score` and the `vectors` (N, D), of which a device takes the mean where
    it has several photos of one product. Messages of protocol buffers that stand one behind the other are
    read as one, lists joined. So the backbone, which is nearly all of the file, is not taken apart and put
    together for every model.
    """
    classes, size = head.weights.shape
    steps = Steps()
    add_answer(steps, head)
    scaled = steps("Div", "logits", steps.array([head.temperature]))
    steps("Softmax", scaled, output="probabilities", axis=1)
    tail = onnx.ModelProto(producer_name=PRODUCER)
    tail.graph.node.extend(steps.nodes)
    tail.graph.initializer.extend(steps.arrays)
    # The first one stays the first: some ask for all of them and take that.
    probabilities, vectors = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["photos", columns])
        for name, columns in (("probabilities", classes), ("vectors", size))
    )
    tail.graph.output.extend([probabilities, *outputs(classes), vectors])
    return _without_output(backbone) + tail.SerializeToString()


@lru_cache(maxsize=2)
def _without_output(backbone: Backbone) -> bytes:
    """A backbone's file without its output: there, a head goes on."""
    encoder = onnx.load(backbone.path)
    del encoder.graph.output[:]
    return encoder.SerializeToString()


def read_head(model_json: bytes, weights: bytes) -> Head:
    """Read a head back from its files.

    Raises:
        ValueError: the format is unknown or the shapes do not fit the description.
    """
    described = json.loads(model_json)
    if described.get("format") not in {FORMAT, EARLIER_FORMAT}:
        raise ValueError(f"model.json has format {described.get('format')!r}; this version reads {FORMAT!r}.")
    tensors = load_safetensors(weights)
    about = described.get("open_set")
    if about is not None and described["format"] == EARLIER_FORMAT:
        about, tensors = translate(about, tensors)
    open_set = read_open_set(about, tensors)
    head = Head(tensors["weights"], tensors["bias"], described["head"]["temperature"], open_set)
    expected = (described["head"]["classes"], described["head"]["vector_size"])
    if head.weights.shape != expected or head.bias.shape != expected[:1]:
        raise ValueError(f"weights.safetensors has shape {head.weights.shape}; model.json says {expected}.")
    return head
