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
from ml_training.recognizer.answers.open_set import OpenSet, Spread
from ml_training.recognizer.answers.promise import CHOICES, NEVER, Thresholds
from ml_training.recognizer.answers.score import FEATURES, TERMS, Score
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
        about, tensors = _translate(about, tensors)
    open_set = _read_open_set(about, tensors)
    head = Head(tensors["weights"], tensors["bias"], described["head"]["temperature"], open_set)
    expected = (described["head"]["classes"], described["head"]["vector_size"])
    if head.weights.shape != expected or head.bias.shape != expected[:1]:
        raise ValueError(f"weights.safetensors has shape {head.weights.shape}; model.json says {expected}.")
    return head


def _translate(about: dict, tensors: dict[str, np.ndarray]) -> tuple[dict, dict[str, np.ndarray]]:
    """What an earlier release wrote: six features, and thresholds by the share of unknown photos named."""
    score = float(about["thresholds"]["0.02"])
    named = [{"wrong": w, "foreign": f, "photos": views, "score": score} for w, f, views in CHOICES]
    weights = [*about["weights"], *[0.0] * (TERMS - len(about["weights"]))]
    line = {"centre": [0.0] * FEATURES, "scale": [1.0] * FEATURES, "weights": weights, "bias": 0.0}
    levels = {"confidence": [1.0, 0.0], "unknown_below": -NEVER, "list_gap": NEVER}
    photos = np.ones(len(tensors["weights"]), np.float32)
    return {"score": line, "named_above": named, **levels}, {**tensors, "photos": photos}


def _read_open_set(about: dict | None, tensors: dict[str, np.ndarray]) -> OpenSet | None:
    if about is None:
        return None
    classes, size = tensors["weights"].shape
    shapes = {
        "between": (classes, classes),
        "means": (classes, size),
        "spread_in_plane": (classes,),
        "spread_plain": (classes,),
        "photos": (classes,),
    }
    for name, shape in shapes.items():
        values = tensors[name]
        if values.shape != shape or values.dtype != np.float32 or not np.isfinite(values).all():
            raise ValueError(f"{name} must be finite float32 numbers of the shape {shape}.")
    spread = Spread(tensors["spread_in_plane"], tensors["spread_plain"], tensors["photos"])
    if (
        min(spread.in_plane.min(), spread.plain.min(), spread.photos.min()) <= 0
        or tensors["between"].min() < 0
    ):
        raise ValueError("between and spread must be distances, and photos be counted.")
    named = {
        (float(row["wrong"]), float(row["foreign"]), int(row["photos"])): float(row["score"])
        for row in about["named_above"]
    }
    slope, offset = map(float, about["confidence"])
    unknown_below, list_gap = (float(about[name]) for name in ("unknown_below", "list_gap"))
    if not np.isfinite([*named.values(), slope, offset, unknown_below, list_gap]).all():
        raise ValueError("open_set must have finite thresholds.")
    if named.keys() != set(CHOICES):
        raise ValueError(
            "named_above must have a score for each promise, share of foreign and number of photos."
        )
    line, thresholds = (slope, offset), Thresholds(named, unknown_below)
    score = _read_score(about["score"])
    return OpenSet(tensors["between"], tensors["means"], spread, score, line, thresholds, list_gap)


def _read_score(about: dict) -> Score:
    sizes = {"centre": FEATURES, "scale": FEATURES, "weights": TERMS}
    centre, scale, weights = (np.array(about[name], np.float64) for name in sizes)
    score = Score(centre, scale, weights, float(about["bias"]))
    if any(len(getattr(score, name)) != size for name, size in sizes.items()):
        raise ValueError(f"score must have {FEATURES} centres and scales and {TERMS} weights.")
    if not np.isfinite([*centre, *scale, *weights, score.bias]).all() or scale.min() <= 0:
        raise ValueError("score must have finite numbers and scales above 0.")
    return score
