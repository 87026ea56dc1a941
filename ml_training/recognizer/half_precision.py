"""Halves the file of a backbone: its weights are rounded to float16 and stored so; it computes in float32."""

import copy
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval

if TYPE_CHECKING:
    from ml_training.recognizer.encoder import Encoder

HALF = "/half"  # what the name of an array that is stored as float16 ends with


def with_half_weights(encoder: "Encoder") -> "Encoder":
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
    folded = fuse_conv_bn_eval(getattr(module, conv), getattr(module, norm))
    for values in (folded.weight, folded.bias):
        values.data = values.data.half().float()
    setattr(module, conv, folded)
    setattr(module, norm, nn.Identity())


def store_as_half(path: Path) -> None:
    """Rewrite an ONNX file: arrays of float32 that float16 holds exactly become float16, followed by a cast.

    ONNX Runtime casts them once, when it opens the file.
    """
    model = onnx.load(path)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.dims and (half := _as_half(tensor)) is not None:
            casts.append(helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT))
            tensor.CopyFrom(half)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)


def _as_half(tensor: TensorProto) -> TensorProto | None:
    values = numpy_helper.to_array(tensor)
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    exact = np.array_equal(half.astype(np.float32), values)
    return numpy_helper.from_array(half, tensor.name + HALF) if exact else None
