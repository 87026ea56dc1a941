"""Measures the active version on labelled photos in folders."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from catalog.importing import find_product_folders, sku_of
from catalog.models import Shop, photo_limits
from catalog.photo_files import PhotoRefused, open_upright
from ml_training.backbones.loader import open_embedder_of
from ml_training.recognition.recognize import Recognition, rank
from ml_training.recognizer.embedder import Embedded, embed_all
from ml_training.recognizer.preprocess import to_pixels
from ml_training.versions.load import active_model

TOP = 3


def evaluate_model(shop: Shop, root: Path, on_photo: Callable[[], object] = lambda: None) -> dict:
    """Recognise every photo below `root` and compare with the name of its folder.

    Photos of SKUs that the shop does not have are recognised too, but do not count in the other figures.
    Those of products that the model has not learned, or that are switched off, count as not recognised.

    Returns:
        `photos` (how many count), `top1` and `top3` as fractions; `named`, the share of them that got a name
        and not "not sure", and `named_correct`, the share of these with the right one; `unknown_named`, the
        share of photos of unknown SKUs that got a name; `unknown_skus`, `refused`, `per_product`. A share of
        nothing is None.
    Raises:
        NoActiveModel, ModelFileDamaged, BackboneMissing: there is no model to measure; says why.
    """
    model = active_model(shop)
    known = set(shop.products.values_list("sku", flat=True))
    folders = find_product_folders(root)
    sources = [(sku_of(folder), path) for folder, paths in folders.items() for path in paths]
    report: dict[str, Any] = {"refused": [], "unknown_skus": sorted({sku for sku, _ in sources} - known)}
    skus, vectors = [], []
    for (sku, path), embedded, error in _embed(model.backbone, sources):
        if isinstance(error, (PhotoRefused, OSError)):
            report["refused"].append({"file": str(path.relative_to(root)), "reason": str(error)})
        elif embedded is None:
            raise error or RuntimeError(f"{path} was not embedded.")
        else:
            skus.append(sku)
            vectors.append(embedded.vector)
        on_photo()
    answers = rank(shop, model, np.stack(vectors), TOP) if vectors else []
    pairs = list(zip(skus, answers, strict=True))
    unknown_named = [answer.recognized for sku, answer in pairs if sku not in known]
    report |= _score([pair for pair in pairs if pair[0] in known])
    return report | {"unknown_photos": len(unknown_named), "unknown_named": _share(unknown_named)}


def _embed(
    backbone_id: str, sources: list[tuple[str, Path]]
) -> Iterator[tuple[tuple[str, Path], Embedded | None, Exception | None]]:
    """Each source, a SKU and a file, with its vector or what is wrong with it."""
    embedder = open_embedder_of(backbone_id)
    preprocessing = embedder.backbone.preprocessing
    max_pixels = photo_limits().max_pixels

    def read(source: tuple[str, Path]) -> np.ndarray:
        image = open_upright(source[1].read_bytes(), preprocessing.decode_side, max_pixels)
        return to_pixels(image, preprocessing)

    return embed_all(embedder, sources, read)


def _share(hits: list[bool]) -> float | None:
    return round(sum(hits) / len(hits), 4) if hits else None


def _score(pairs: list[tuple[str, Recognition]]) -> dict:
    per_product: dict[str, dict] = {}
    for sku, answer in pairs:
        ranked = [candidate.sku for candidate in answer.candidates]
        counts = per_product.setdefault(sku, {"photos": 0, "top1": 0, "top3": 0})
        counts["photos"] += 1
        counts["top1"] += sku == ranked[0] if ranked else 0
        counts["top3"] += sku in ranked
    photos = len(pairs)
    right = [bool(answer.candidates) and answer.candidates[0].sku == sku for sku, answer in pairs]
    named = [hit for hit, (_, answer) in zip(right, pairs, strict=True) if answer.recognized]
    total = {name: sum(counts[name] for counts in per_product.values()) for name in ("top1", "top3")}
    for counts in per_product.values():
        for name in ("top1", "top3"):
            counts[name] = round(counts[name] / counts["photos"], 4)
    return {
        "photos": photos,
        "top1": round(total["top1"] / photos, 4) if photos else None,
        "top3": round(total["top3"] / photos, 4) if photos else None,
        "named": round(len(named) / photos, 4) if photos else None,
        "named_correct": _share(named),
        "per_product": dict(sorted(per_product.items())),
    }
