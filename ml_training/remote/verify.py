"""Judges a model that was trained elsewhere before anything of it is used.

Nothing is unpickled or executed, and none of the files that came is kept: what is published is written anew
from the values found here.
"""

import hashlib
import json
from dataclasses import replace

import numpy as np
from safetensors import SafetensorError

from api import strict_json
from ml_training.dataset.embeddings import load_embeddings
from ml_training.dataset.manifest import Manifest, ManifestPhoto
from ml_training.models import ModelVersion, TrainingRun
from ml_training.recognizer.answers.numbers import whole
from ml_training.recognizer.backbone import Backbone, ExportDiffers
from ml_training.recognizer.embedder import Embedder
from ml_training.recognizer.export import FILES, FORMAT, read_head
from ml_training.recognizer.head import Head
from ml_training.versions.publish import TrainedModel, publish

MAX_MODEL_JSON = 1024 * 1024  # bytes
SLACK = 256 * 1024  # bytes that the other files may have beside their content
MAX_BYTES_PER_PHOTO = 600  # of metadata.json
MAX_BYTES_PER_PRODUCT = 2000  # of metadata.json
MAX_TEXT_LENGTH = 300  # characters
TEMPERATURES = (1e-3, 1e4)


class ModelRefused(ValueError):
    """Raised when a model that came from elsewhere is not used; `code` says what is wrong with it."""

    def __init__(self, code: str, text: str):
        super().__init__(text)
        self.code = code


def check_sizes(manifest: Manifest, backbone: Backbone, sizes: dict[str, int]) -> None:
    """Refuse files larger than a model of this manifest can be, before they are read.

    Args:
        sizes: bytes of the files by kind (keys of `FILES`).
    """
    products, photos = len(manifest.products), len(manifest.photos)
    limits = {
        "model_json": MAX_MODEL_JSON,
        "weights": 4 * products * (2 * backbone.vector_size + products + 3) + SLACK,
        "metadata": MAX_BYTES_PER_PRODUCT * products + MAX_BYTES_PER_PHOTO * photos + SLACK,
    }
    for kind, limit in limits.items():
        if sizes[kind] > limit:
            raise ModelRefused(
                "MODEL_TOO_LARGE",
                f"{FILES[kind]} has {sizes[kind]} bytes; a model of this shop has at most {limit}.",
            )


def read_model(
    manifest: Manifest, backbone: Backbone, model_json: bytes, weights: bytes, metadata: bytes
) -> tuple[TrainedModel, list[tuple[ManifestPhoto, str]]]:
    """Verify a model's files and read it from them.

    Args:
        manifest: what it was to learn from.
        backbone: the one it must be made for.
    Returns:
        The model, and the photos that its trainer set aside, each with the reason.
    Raises:
        ModelRefused: something is not as it should be.
    """
    files = {"model_json": model_json, "weights": weights, "metadata": metadata}
    check_sizes(manifest, backbone, {kind: len(content) for kind, content in files.items()})
    described = read_json(model_json, "model.json")
    if described.get("format") != FORMAT:
        raise ModelRefused("FORMAT_UNKNOWN", f"model.json must have the format {FORMAT!r}.")
    _check_hashes(described.get("files"), {"weights": weights, "metadata": metadata})
    _check_backbone(described.get("backbone"), backbone)
    about = read_json(metadata, "metadata.json")
    set_aside = _read_set_aside(about.get("set_aside", []), manifest)
    usable = _read_labels(about.get("labels"), manifest.without({photo.pk for photo, _ in set_aside}))
    head = _read_head(model_json, weights, (len(usable.products), backbone.vector_size)).rounded()
    metrics = _read_metrics(about.get("metrics", {}))
    answers = _read_pairs(about.get("judged", {}), "judged", usable)
    evidence = {
        name: _read_pairs(about[name], name, usable) for name in ("mistaken", "strangers") if name in about
    }
    return TrainedModel(head, usable, metrics, answers, evidence), set_aside


def read_files(
    manifest: Manifest, backbone: Backbone, files: dict
) -> tuple[TrainedModel, list[tuple[ManifestPhoto, str]]]:
    """Read a model from files that are no larger than it can be; see `read_model`.

    Args:
        files: by kind, not read yet: each has a `size` in bytes and a function `read`.
    """
    check_sizes(manifest, backbone, {kind: file.size for kind, file in files.items()})
    return read_model(manifest, backbone, **{kind: file.read() for kind, file in files.items()})


def publish_verified(
    run: TrainingRun, embedder: Embedder, model: TrainedModel, check: list[ManifestPhoto]
) -> ModelVersion:
    """Publish what was read, see `publish`.

    Args:
        check: photos on which the ONNX files must say what the head says; without those that have no vector.
    Raises:
        ModelRefused: one of them says something else.
    """
    vectors, _ = load_embeddings(embedder, Manifest((), tuple(check)), lambda share: None)
    try:
        return publish(run, embedder, model, [photo for photo in check if photo.sha256 in vectors], vectors)
    except ExportDiffers as error:
        raise ModelRefused(
            "OUTPUT_DIFFERS", f"An ONNX file does not say what the head says: {error}"
        ) from error


def read_json(content: bytes, name: str) -> dict:
    """Read a JSON object whose numbers a float holds."""
    try:
        value = strict_json.read_json(content)
    except strict_json.NotJson as error:
        raise ModelRefused("FORMAT_UNKNOWN", f"{name} is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise ModelRefused("FORMAT_UNKNOWN", f"{name} must be a JSON object.")
    return value


def clean_text(text: str) -> str:
    """One short line of a text from elsewhere, without characters that a database or a page trips over."""
    line = " ".join(text[: 2 * MAX_TEXT_LENGTH].split())
    return "".join(char for char in line if char.isprintable())[:MAX_TEXT_LENGTH]


def _check_hashes(listed, files: dict[str, bytes]) -> None:
    for kind, content in files.items():
        entry = listed.get(kind) if isinstance(listed, dict) else None
        sha256 = hashlib.sha256(content).hexdigest()
        if not isinstance(entry, dict) or entry.get("sha256") != sha256:
            raise ModelRefused(
                "HASH_DIFFERS", f"{FILES[kind]} is not the file whose SHA-256 model.json lists ({sha256})."
            )


def _check_backbone(described, backbone: Backbone) -> None:
    expected = {
        "id": backbone.id,
        "sha256": backbone.sha256,
        "vector_size": backbone.vector_size,
        "preprocessing": json.loads(json.dumps(backbone.preprocessing.as_json())),
    }
    described = described if isinstance(described, dict) else {}
    differ = [name for name, value in expected.items() if described.get(name) != value]
    if differ:
        raise ModelRefused(
            "BACKBONE_DIFFERS",
            f"The model was made for another backbone than {backbone.id}: {', '.join(differ)} differ.",
        )


def _read_set_aside(entries, manifest: Manifest) -> list[tuple[ManifestPhoto, str]]:
    photos = {photo.pk: photo for photo in manifest.photos}
    try:
        reasons = {whole(entry["photo"], "photo"): clean_text(str(entry["reason"])) for entry in entries}
        return [(photos[pk], reason) for pk, reason in reasons.items()]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelRefused(
            "METADATA_REFUSED", f"set_aside in metadata.json names what is no photo of the manifest: {error}."
        ) from error


def _read_labels(entries, usable: Manifest) -> Manifest:
    """Return the usable part of a manifest with its products in the order of the model's classes."""
    try:
        pks = [entry["id"] for entry in entries]
    except (KeyError, TypeError) as error:
        raise ModelRefused("LABELS_REFUSED", "labels in metadata.json must be objects with an id.") from error
    products = {product.pk: product for product in usable.products}
    # JSON's true and 1.0 equal 1 in Python, and are no ids.
    unknown = [pk for pk in pks if type(pk) is not int or pk not in products]
    if unknown:
        raise ModelRefused(
            "LABELS_REFUSED", f"labels name what is no product of the manifest: {_few(unknown)}."
        )
    if len(set(pks)) != len(pks):
        raise ModelRefused("LABELS_REFUSED", "labels name a product twice.")
    missing = [pk for pk in products if pk not in set(pks)]
    if missing:
        raise ModelRefused("LABELS_REFUSED", f"labels leave out products with photos: {_few(missing)}.")
    if len(pks) < 2:
        raise ModelRefused("LABELS_REFUSED", "A model has at least two products.")
    return replace(usable, products=tuple(products[pk] for pk in pks))


def _few(values: list) -> str:
    return ", ".join(str(value)[:40] for value in values[:5]) + (" …" if len(values) > 5 else "")


def _read_metrics(metrics) -> dict:
    """Return figures that any database can keep as JSON."""
    try:
        text = json.dumps(metrics, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        text = None
    if not isinstance(metrics, dict) or text is None or b"\\u0000" in text:
        raise ModelRefused("METADATA_REFUSED", "metrics in metadata.json must be an object of plain values.")
    return metrics


def _read_pairs(entries, name: str, usable: Manifest) -> dict[str, list[int]]:
    """Return what a trainer says of photos: by photo its product, which must be its own, and another."""
    product_of = {str(photo.pk): photo.product_pk for photo in usable.photos}
    products = {product.pk for product in usable.products}
    try:
        pairs = {
            photo: [whole(product, "a product"), whole(other, "a product")]
            for photo, (product, other) in entries.items()
        }
        wrong = [
            photo
            for photo, (product, other) in pairs.items()
            if photo not in product_of or product != product_of[photo] or other not in products
        ]
    except (AttributeError, TypeError, ValueError) as error:
        raise ModelRefused("METADATA_REFUSED", f"{name} in metadata.json cannot be read: {error}.") from error
    if wrong:
        raise ModelRefused("METADATA_REFUSED", f"{name} in metadata.json is wrong on photos {_few(wrong)}.")
    return {photo: [product_of[photo], other] for photo, (_, other) in pairs.items()}


def _read_head(model_json: bytes, weights: bytes, shape: tuple[int, int]) -> Head:
    try:
        head = read_head(model_json, weights)
    except SafetensorError as error:
        raise ModelRefused(
            "WEIGHTS_REFUSED", f"weights.safetensors is not a safetensors file: {error}."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelRefused("WEIGHTS_REFUSED", f"The head cannot be read: {error}.") from error
    if head.weights.shape != shape or head.bias.shape != shape[:1]:
        raise ModelRefused(
            "WEIGHTS_REFUSED",
            f"The head's weights have the shape {head.weights.shape}; labels and backbone ask for {shape}.",
        )
    for name, values in (("weights", head.weights), ("bias", head.bias)):
        if values.dtype != np.float32 or not np.isfinite(values).all():
            raise ModelRefused("WEIGHTS_REFUSED", f"{name} must be finite float32 numbers.")
    lowest, highest = TEMPERATURES
    temperature = head.temperature
    is_number = isinstance(temperature, int | float) and not isinstance(temperature, bool)
    if not is_number or not lowest <= head.temperature <= highest:
        raise ModelRefused("WEIGHTS_REFUSED", f"temperature must be a number from {lowest} to {highest}.")
    return head
