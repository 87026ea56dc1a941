"""Which packaged backbone is the better default: accuracy on photos from elsewhere against time a photo.

    python -m benchmarks.backbones TRAIN_DIR TEST_DIR

Folders are named by SKU. Time is ONNX Runtime alone, batch 32, and with decoding; figures of one run compare.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from catalog.importing import find_product_folders
from catalog.photo_files import open_upright
from ml_training.recognizer.backbone import PACKAGED, packaged_backbone
from ml_training.recognizer.embedder import Embedder, embed_all
from ml_training.recognizer.head import fit_head
from ml_training.recognizer.preprocess import to_pixels

RESULTS = Path(__file__).parent / "results" / "backbones.json"
BATCH = 32
CACHE = Path(__file__).parent.parent / "var" / "cache"


def labelled(root: Path) -> list[tuple[str, Path]]:
    return [(folder.name, path) for folder, paths in find_product_folders(root).items() for path in paths]


def embed_folder(embedder: Embedder, photos: list[tuple[str, Path]]) -> np.ndarray:
    """(N, D) float32, in the order of `photos`."""
    preprocessing = embedder.backbone.preprocessing

    def read(photo):
        return to_pixels(open_upright(photo[1].read_bytes(), preprocessing.decode_side), preprocessing)

    return np.stack([embedded.vector for _, embedded, _ in embed_all(embedder, photos, read)])


def bare_seconds(embedder: Embedder, repeats: int = 8) -> float:
    """Seconds a photo in ONNX Runtime, best of some batches."""
    pixels = np.zeros((BATCH, *embedder.backbone.preprocessing.shape), np.uint8)
    took = []
    for _ in range(repeats):
        started = time.perf_counter()
        embedder.embed(pixels)
        took.append(time.perf_counter() - started)
    return min(took) / BATCH


def measure(name: str, train: list, test: list, threads: int) -> dict:
    embedder = Embedder(packaged_backbone(name, CACHE), threads)
    skus = sorted({sku for sku, _ in train})
    started = time.perf_counter()
    vectors = embed_folder(embedder, train)
    seconds = time.perf_counter() - started
    head = fit_head(vectors, np.array([skus.index(sku) for sku, _ in train]))
    truth = np.array([skus.index(sku) if sku in skus else -1 for sku, _ in test])
    answers = head.logits(embed_folder(embedder, test)).argmax(axis=1)
    return {
        "backbone": name,
        "top1": round(float((answers == truth)[truth >= 0].mean()), 4),
        "ms_a_photo_onnxruntime": round(1000 * bare_seconds(embedder), 1),
        "ms_a_photo_with_decoding": round(1000 * seconds / len(train), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    train, test = labelled(options.train), labelled(options.test)
    rows = [measure(name, train, test, options.threads) for name in PACKAGED]
    print(f"{'backbone':<20} {'top-1':>7} {'ORT ms':>8} {'with decoding ms':>17}")
    for row in rows:
        print(
            f"{row['backbone']:<20} {row['top1']:>7.1%} {row['ms_a_photo_onnxruntime']:>8} "
            f"{row['ms_a_photo_with_decoding']:>17}"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
