"""A head as ONNX: from `vectors` to `logits` and to `score`, which says how far an answer can be trusted.

The same formulas as `Head.logits` and `OpenSet.scores`, step by step, for devices that have no NumPy. Only
operators that mean the same from opset 13 on are used, so that the graph goes on behind any backbone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ml_training.recognizer.answers.open_set import FLAT, NOISE, RIVALS, TINY, smallest_distances
from ml_training.recognizer.answers.promise import NEVER
from ml_training.recognizer.answers.score import BOUND, FIRST, PAIRED, SECOND
from ml_training.recognizer.calibration import usual_temperature
from ml_training.recognizer.half_precision import as_half

if TYPE_CHECKING:
    from ml_training.recognizer.answers.open_set import OpenSet
    from ml_training.recognizer.head import Head

OPSET = 13
IR_VERSION = 7  # the oldest that has this opset
PRODUCER = "shelfsight"


class Steps:
    """Puts a graph together, one operator after another; names begin with `head/` unless they are given."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.arrays: list[onnx.TensorProto] = []

    def __call__(
        self, operator: str, *inputs: str, output: str = "", **attributes: int | float | onnx.TensorProto
    ) -> str:
        """Add an operator; returns the name of its output."""
        output = output or f"head/{len(self.nodes)}"
        node = helper.make_node(operator, list(inputs), [output])
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self.nodes.append(node)
        return output

    def first(self, rows: str, count: int, largest: bool) -> str:
        """Add what puts the largest or smallest of each row in order: (N, K) to (N, count)."""
        name, given = f"head/{len(self.nodes)}", [rows, self.indices(count)]
        node = helper.make_node("TopK", given, [name, f"{name}/places"], axis=1, largest=int(largest))
        self.nodes.append(node)
        return name

    def array(self, values: np.ndarray | list[float]) -> str:
        """Add float32 numbers."""
        return self._add(np.asarray(values, np.float32))

    def indices(self, *values: int) -> str:
        return self._add(np.array(values, np.int64))

    def halved(self, values: np.ndarray) -> str:
        """Add float32 numbers, stored in half the bytes if that loses nothing."""
        name = f"head/array/{len(self.arrays)}"
        half = as_half(values, name)
        if half is None:
            return self._add(values)
        self.arrays.append(half[0])
        self.nodes.append(half[1])
        return name

    def _add(self, values: np.ndarray) -> str:
        name = f"head/array/{len(self.arrays)}"
        self.arrays.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def add_answer(steps: Steps, head: Head) -> None:
    """Add what gives `logits` (N, C) of temperature 1 and `score` (N,) for `vectors` (N, D)."""
    steps("Gemm", "vectors", steps.halved(head.weights), steps.array(head.bias), output="logits", transB=1)
    if head.open_set is None:
        _add_no_score(steps)
    else:
        _add_score(steps, head.open_set)


def _add_no_score(steps: Steps) -> None:
    """The lowest number there is, for each photo: no answer is certain."""
    photos = steps("Gather", steps("Shape", "vectors"), steps.indices(0))
    lowest = numpy_helper.from_array(np.array([-NEVER], np.float32))
    steps("ConstantOfShape", photos, output="score", value=lowest)


def _add_score(steps: Steps, open_set: OpenSet) -> None:
    """See `open_set.features`, whose columns these are, but for how many products there are."""
    distances, cosines = _add_placement(steps, open_set)
    nearest = steps("ArgMin", distances, axis=1, keepdims=1)  # (N, 1)
    near = min(1 + RIVALS, len(open_set.means))
    ordered, fits = steps.first(distances, near, largest=False), steps.first(cosines, 2, largest=True)
    first, second = (_column(steps, ordered, place) for place in (0, 1))
    best, next_best = (_column(steps, fits, place) for place in (0, 1))
    share = np.full((near, 1), 1 / (near - 1))
    share[0] = 0.0
    rivals = steps("MatMul", ordered, steps.array(share))
    plain = steps("GatherElements", _add_plain_distances(steps, open_set), nearest, axis=1)
    spread = open_set.spread
    usual, usual_plain, photos = (
        steps("Gather", steps.array(np.log(values)), nearest)
        for values in (np.sqrt(spread.in_plane), spread.plain, spread.photos)
    )
    twice = steps.array([2 * usual_temperature(float(spread.photos.mean()))])
    behind = steps("Exp", steps("Div", steps("Sub", first, distances), twice))  # (N, C)
    near_log = steps("Log", first)
    columns = [
        steps("Sub", steps("Log", rivals), near_log),
        steps("Sub", steps("Log", second), near_log),
        steps("Sub", usual, steps("Mul", near_log, steps.array([0.5]))),
        steps("Sub", usual_plain, steps("Log", plain)),
        steps("Sub", best, next_best),
        best,
        steps("Neg", steps("Log", _row_sums(steps, behind))),
        photos,
    ]
    _add_weighing(steps, steps("Concat", *columns, axis=1), open_set)


def _add_weighing(steps: Steps, features: str, open_set: OpenSet) -> None:
    """See `Score.of`; that there are so many products adds the same to every score."""
    score = open_set.score
    off_centre = steps("Sub", features, steps.array(score.centre[:PAIRED]))
    standard = steps("Div", off_centre, steps.array(score.scale[:PAIRED]))  # (N, PAIRED)
    bounded = steps("Max", steps("Min", standard, steps.array([BOUND])), steps.array([-BOUND]))
    first, second = (steps("Gather", bounded, steps.indices(*pair), axis=1) for pair in (FIRST, SECOND))
    terms = steps("Concat", standard, steps("Mul", first, second), axis=1)
    products = (np.log(len(open_set.means)) - score.centre[PAIRED]) / score.scale[PAIRED]
    weights = steps.array(np.delete(score.weights, PAIRED)[:, None])
    weighed = steps("Gemm", terms, weights, steps.array([score.bias + score.weights[PAIRED] * products]))
    steps("Reshape", weighed, steps.indices(-1), output="score")


def _add_placement(steps: Steps, open_set: OpenSet) -> tuple[str, str]:
    """See `Plane.place`: (N, C) squared distances to the products' means, and (N, C) cosines with these."""
    plane, classes = open_set.plane, len(open_set.means)
    inner = steps("Add", "logits", steps.array(0.5 * plane.row_means))
    centre = steps("MatMul", inner, steps.array(np.full((classes, 1), 1 / classes)))
    inner = steps("Sub", inner, centre)
    placed = steps("MatMul", inner, steps.array(plane.to_plane))
    norms = _row_sums(steps, steps("Mul", placed, placed))  # (N, 1)
    apart = steps("Sub", steps("Add", norms, steps.array(plane.norms)), steps("Add", inner, inner))
    distances = steps("Max", apart, steps.array(smallest_distances(plane.norms)))
    length = steps("Sqrt", steps("Max", norms, steps.array([TINY])))
    lengths = steps("Mul", length, steps.array(np.sqrt(np.maximum(plane.norms, FLAT))))
    return distances, steps("Div", inner, lengths)


def _add_plain_distances(steps: Steps, open_set: OpenSet) -> str:
    """See `squared_distances`: (N, C)."""
    means = open_set.means
    squares = _row_sums(steps, steps("Mul", "vectors", "vectors"))
    own = steps.array(np.einsum("cd,cd->c", means, means))
    inner = steps("Gemm", "vectors", steps.halved(means), own, transB=1, alpha=-2.0)
    return steps("Max", steps("Add", inner, squares), steps.array([NOISE]))


def _row_sums(steps: Steps, rows: str) -> str:
    """(N, K) to (N, 1)."""
    return steps("ReduceSum", rows, steps.indices(1), keepdims=1)


def _column(steps: Steps, rows: str, place: int) -> str:
    """(N, K) to (N, 1)."""
    return steps("Gather", rows, steps.indices(place), axis=1)


def build_head_file(head: Head) -> bytes:
    """Build `head.onnx`: `vectors` (N, D) to `logits` (N, C) and `score` (N,)."""
    steps = Steps()
    add_answer(steps, head)
    classes, size = head.weights.shape
    vectors = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["photos", size])
    graph = helper.make_graph(steps.nodes, "head", [vectors], outputs(classes), steps.arrays)
    model = helper.make_model(
        graph, producer_name=PRODUCER, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    return model.SerializeToString()


def outputs(classes: int) -> list[onnx.ValueInfoProto]:
    """What `add_answer` gives."""
    return [
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["photos", classes]),
        helper.make_tensor_value_info("score", TensorProto.FLOAT, ["photos"]),
    ]
