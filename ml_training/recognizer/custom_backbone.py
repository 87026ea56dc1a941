"""Image encoders of one's own: an ONNX file and a JSON file that says what pixels it takes.

The file is used as it is, frozen, in a graph that makes it speak as all backbones do: `pixels`
(N, V, side, side, 3) uint8 to `vectors` (N, D), each view normalised, summed and normalised again.
docs/backbones.md says how to make such files.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from ml_training.recognizer.backbone import Backbone, file_sha256
from ml_training.recognizer.files import READABLE, atomic_file
from ml_training.recognizer.preprocess import WIDE_AND_TIGHT, Preprocessing, View

FIELDS = {"name", "file", "sha256", "side", "mean", "std"}
OPTIONAL = {"views"}
SAME = 1e-5  # largest difference allowed between two answers to the same pixels


class BackboneRefused(ValueError):
    """Raised when a backbone of one's own cannot be used; its text says what to mend."""


@dataclass(frozen=True)
class CustomBackbone:
    """An encoder of (N, 3, side, side) float32, (p / 255 − mean) / std by channel, to (N, D) float32."""

    name: str
    path: Path
    sha256: str
    side: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    views: tuple[View, ...] = WIDE_AND_TIGHT

    @property
    def id(self) -> str:
        """Another file or other pixels make another id, so that vectors are never mixed."""
        described = asdict(self) | {"path": "", "views": [view.as_json() for view in self.views]}
        return (
            f"{self.name}-{hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:12]}"
        )

    @property
    def preprocessing(self) -> Preprocessing:
        mean = tuple(255 * value for value in self.mean)
        std = tuple(255 * value for value in self.std)
        return Preprocessing(self.side, self.views, mean, std, version=1)  # part of what models are made for


def read_custom_backbone(description: Path) -> CustomBackbone:
    """Read the JSON file that describes an encoder.

    Raises:
        BackboneRefused: it cannot be read, or something in it is missing or wrong.
    """
    try:
        data = json.loads(description.read_text())
        unknown, missing = data.keys() - FIELDS - OPTIONAL, FIELDS - data.keys()
        if unknown or missing:
            raise BackboneRefused(
                f"{description} must have {', '.join(sorted(FIELDS))}, and may have views; "
                f"it lacks {', '.join(sorted(missing)) or 'nothing'} and has "
                f"{', '.join(sorted(unknown)) or 'nothing'} too much."
            )
        views = tuple(
            View(float(v["share"]), bool(v.get("mirrored", False)), float(v.get("down", 0)))
            for v in data.get("views", ())
        )
        custom = CustomBackbone(
            str(data["name"]),
            description.parent / data["file"],
            str(data["sha256"]).lower(),
            int(data["side"]),
            _three(data["mean"]),
            _three(data["std"]),
            views or WIDE_AND_TIGHT,
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, BackboneRefused):
            raise
        raise BackboneRefused(
            f"{description} cannot be read as the description of a backbone: {error}"
        ) from error
    sound = 16 <= custom.side <= 1024 and min(custom.std) > 0 and all(view.is_inside for view in custom.views)
    if not (sound and custom.name.replace("-", "").replace(".", "").isalnum() and len(custom.name) <= 60):
        raise BackboneRefused(
            f"In {description}, side must be 16 to 1024, std above 0, each view's share above 0 and all "
            "of it inside the photo, and name letters, digits, dots and hyphens, 60 at most."
        )
    return custom


def _three(values: Iterable[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def open_custom_backbone(custom: CustomBackbone, cache_dir: Path) -> Backbone:
    """Make the graph that speaks as all backbones do, if it is not there yet, and try it.

    Repeatable: yes; two processes at once do the work twice and end with one whole file.
    Raises:
        BackboneRefused: the file is missing, is another one, or does not compute what it should.
    """
    path = cache_dir / "backbones" / f"{custom.id}.onnx"
    if not path.exists():
        model = _wrap(custom)
        with atomic_file(path, READABLE) as part:
            onnx.save(model, part)
            try_out(part, custom)
    size = onnx.load(path, load_external_data=False).graph.output[0].type.tensor_type.shape.dim[1].dim_value
    return Backbone(custom.id, path, file_sha256(path), custom.preprocessing, size)


def _wrap(custom: CustomBackbone) -> onnx.ModelProto:
    if not custom.path.exists():
        raise BackboneRefused(f"There is no file {custom.path}.")
    if (actual := file_sha256(custom.path)) != custom.sha256:
        raise BackboneRefused(
            f"{custom.path} has the SHA-256 {actual}, not {custom.sha256}: it is another file."
        )
    try:
        encoder = onnx.load(custom.path)
        (given,) = encoder.graph.input
        returned = encoder.graph.output[0]
        size = _vector_size(custom)
        opset = encoder.opset_import[0].version
    except BackboneRefused:
        raise
    except Exception as error:  # whatever is no ONNX file, or has another number of inputs
        raise BackboneRefused(f"{custom.path} is no ONNX file with one input: {error}") from error
    encoder = compose.add_prefix(encoder, "encoder/")
    before, after = _make_first_part(custom, opset), _make_last_part(custom, size, opset)
    for part in (before, after):
        part.ir_version = encoder.ir_version
    joined = compose.merge_models(before, encoder, io_map=[("normalised", f"encoder/{given.name}")])
    return compose.merge_models(
        joined, after, io_map=[(f"encoder/{returned.name}", "raw")], outputs=["vectors"]
    )


def _vector_size(custom: CustomBackbone) -> int:
    """D, found by trying: files seldom say it."""
    import onnxruntime

    session = onnxruntime.InferenceSession(custom.path, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    pixels = np.zeros((len(custom.views), 3, custom.side, custom.side), np.float32)
    vectors = session.run(None, {given.name: pixels})[0]
    if vectors.ndim != 2 or len(vectors) != len(pixels):
        raise BackboneRefused(
            f"{custom.path} makes {vectors.shape} of {pixels.shape}; it must make one vector a photo, "
            "(N, D), and take any number of photos."
        )
    return vectors.shape[1]


def _make_first_part(custom: CustomBackbone, opset: int) -> onnx.ModelProto:
    """`pixels` (N, V, side, side, 3) uint8 to `normalised` (N V, 3, side, side) float32."""
    side, views = custom.side, len(custom.views)
    mean, std = (
        255 * np.array(values, np.float32).reshape(1, 3, 1, 1) for values in (custom.mean, custom.std)
    )
    graph = helper.make_graph(
        [
            helper.make_node("Reshape", ["pixels", "flat"], ["looks"]),
            helper.make_node("Transpose", ["looks"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node("Cast", ["planes"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("Sub", ["numbers", "mean"], ["centred"]),
            helper.make_node("Div", ["centred", "std"], ["normalised"]),
        ],
        "before",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["photos", views, side, side, 3])],
        [helper.make_tensor_value_info("normalised", TensorProto.FLOAT, ["looks", 3, side, side])],
        [
            numpy_helper.from_array(np.array([-1, side, side, 3], np.int64), "flat"),
            numpy_helper.from_array(mean, "mean"),
            numpy_helper.from_array(std, "std"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def _make_last_part(custom: CustomBackbone, size: int, opset: int) -> onnx.ModelProto:
    """`raw` (N V, D) to `vectors` (N, D): normalised, summed over the views, normalised."""
    graph = helper.make_graph(
        [
            helper.make_node("LpNormalization", ["raw"], ["directions"], axis=1, p=2),
            helper.make_node("Reshape", ["directions", "by_photo"], ["by_view"]),
            helper.make_node("ReduceSum", ["by_view", "second"], ["sums"], keepdims=0),
            helper.make_node("LpNormalization", ["sums"], ["vectors"], axis=1, p=2),
        ],
        "after",
        [helper.make_tensor_value_info("raw", TensorProto.FLOAT, ["looks", size])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["photos", size])],
        [
            numpy_helper.from_array(np.array([-1, len(custom.views), size], np.int64), "by_photo"),
            numpy_helper.from_array(np.array([1], np.int64), "second"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def try_out(path: Path, custom: CustomBackbone) -> None:
    """Run a wrapped file on two photos, twice.

    Raises:
        BackboneRefused: it fails, answers differently the second time, sees no difference between the photos,
            or says something of one photo that depends on the other.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).integers(0, 256, (2, *custom.preprocessing.shape), np.uint8)
    try:
        first, again, alone = (
            session.run(["vectors"], {"pixels": given})[0] for given in (pixels, pixels, pixels[:1])
        )
    except Exception as error:  # ONNX Runtime raises many kinds
        raise BackboneRefused(f"{custom.path} cannot be run on two photos: {error}") from error
    if not np.isfinite(first).all() or np.abs(first - again).max() > SAME:
        raise BackboneRefused(
            f"{custom.path} does not answer the same twice. Export it in evaluation mode, without dropout."
        )
    if np.abs(first[0] - first[1]).max() < SAME:
        raise BackboneRefused(f"{custom.path} answers the same whatever it is shown.")
    if np.abs(first[0] - alone[0]).max() > 100 * SAME:
        raise BackboneRefused(
            f"What {custom.path} says of a photo depends on the others. Export it in evaluation mode."
        )
