"""Halves files: weights of backbones and heads are rounded to float16 and stored so, and computed in float32.

torch is imported only while a backbone is exported: whoever serves does without.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from ml_training.recognizer.encoder import Encoder

HALF = "/half"  # what the name of an array that is stored as float16 ends with
FARTHEST = 1e-3  # how far rounding may move a row, as a share of its length; usually by a fifth of it


def round_to_half(rows: np.ndarray) -> np.ndarray:
    """Round (N, D) float32 to numbers that float16 holds exactly; they stay float32.

    Nothing is rounded where it would move a row too far: where numbers exceed 65,504, the largest of float16,
    or all of a row's are tiny.
    """
    with np.errstate(over="ignore"):
        rounded = rows.astype(np.float16).astype(np.float32)
    with np.errstate(invalid="ignore"):
        moved = np.linalg.norm(rounded - rows, axis=1)
    return rounded if (moved <= FARTHEST * np.linalg.norm(rows, axis=1)).all() else rows


def with_half_weights(encoder: Encoder) -> Encoder:
    """A copy with weights that float16 holds exactly.

    Batch normalisation is folded into the convolutions before, as it is in an exported file.
    """
    encoder = copy.deepcopy(encoder).cpu().eval()
    network = encoder.network
    _fold(network, "_conv_stem", "_bn0")
    _fold(network, "_conv_head", "_bn1")
    for block in network._blocks:
        for conv, norm in (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")):
            if hasattr(block, conv):
                _fold(block, conv, norm)
    return encoder


def _fold(module: nn.Module, conv: str, norm: str) -> None:
    from torch import nn
    from torch.nn.utils import fuse_conv_bn_eval

    folded = fuse_conv_bn_eval(getattr(module, conv), getattr(module, norm))
    for values in (folded.weight, folded.bias):
        values.data = values.data.half().float()
    setattr(module, conv, folded)
    setattr(module, norm, nn.Identity())


def store_as_half(path: Path) -> None:
    """Rewrite an ONNX file: arrays of float32 that float16 holds exactly are float16, followed by a cast.

    ONNX Runtime casts them once, when it opens the file. What the exporter notes of the code it came
    from goes: devices need no paths of this machine, and hosts with other paths get the same file.
    """
    model = onnx.load(path)
    _forget_origin(model)
    casts = []
    for tensor in model.graph.initializer:
        is_array = tensor.data_type == TensorProto.FLOAT and tensor.dims
        if is_array and (half := as_half(numpy_helper.to_array(tensor), tensor.name)) is not None:
            tensor.CopyFrom(half[0])
            casts.append(half[1])
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)


def _forget_origin(model: onnx.ModelProto) -> None:
    graph = model.graph
    for noted in (
        model,
        graph,
        *graph.node,
        *graph.initializer,
        *graph.value_info,
        *graph.input,
        *graph.output,
    ):
        del noted.metadata_props[:]
        noted.doc_string = ""


def as_half(values: np.ndarray, name: str) -> tuple[TensorProto, NodeProto] | None:
    """An array as float16, and the node that casts it to float32 and calls it `name`; None if that loses."""
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if not np.array_equal(half.astype(np.float32), values):
        return None
    stored = numpy_helper.from_array(half, name + HALF)
    return stored, helper.make_node("Cast", [stored.name], [name], to=TensorProto.FLOAT)
