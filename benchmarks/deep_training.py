"""How good does deep training make the recogniser, and how long does it take?

    python -m benchmarks.deep_training TRAIN_DIR TEST_DIR [--photos 3 5 10 all] [--threads 2]

Both folders hold folders named by SKU. For each number of photos a product: the frozen backbone and the tuned
one, each with the closed-form head on all of these photos, and the tuned network with its own softmax head
after each epoch, all on the test photos. Sizes measured earlier stay in the results. The test photos choose
nothing: they are only looked at.
"""

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from django.conf import settings

from benchmarks.deep_training_plot import draw_plot
from benchmarks.installation import CACHE, RESULTS, show
from benchmarks.recognition import PLOTS
from catalog.importing import find_product_folders, sku_of
from catalog.photo_files import open_upright
from ml_training.recognizer.backbone import PACKAGED, Backbone, export_encoder, file_sha256, packaged_backbone
from ml_training.recognizer.embedder import Embedder, embed_all
from ml_training.recognizer.finetune import checkpoints
from ml_training.recognizer.finetune.comparison import compare
from ml_training.recognizer.finetune.hyperparameters import Dataset, Hyperparameters, choose_held_out
from ml_training.recognizer.finetune.loop import Machine, save_start, train
from ml_training.recognizer.finetune.network import Tunable
from ml_training.recognizer.finetune.photos import keep_small_copy
from ml_training.recognizer.head import fit_head
from ml_training.recognizer.preprocess import to_pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--photos", nargs="+", default=["3", "5", "10", "all"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, default=RESULTS / "deep_training.json")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    skus = sorted({sku_of(folder) for folder in find_product_folders(options.train)})
    embedder = Embedder(packaged_backbone(settings.BACKBONE, CACHE), options.threads)
    photos, labels = listed(options.train, skus)
    test = listed(options.test, skus)
    frozen, frozen_test = vectors(embedder, photos), vectors(embedder, test[0])
    results = json.loads(options.json.read_text()) if options.json.exists() else {}
    results |= {"backbone": settings.BACKBONE, "threads": options.threads, "test_photos": len(test[1])}
    for size in options.photos:
        rows = first_of_each(labels, None if size == "all" else int(size))
        part = ([photos[row] for row in rows], labels[rows])
        measured = measure(part, test, frozen[rows], frozen_test, options.threads)
        results.setdefault("by_photos_per_product", {})[size] = measured
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(results, indent=1) + "\n")
        report(size, measured)
    draw_plot(results, PLOTS)


def listed(root: Path, skus: list[str]) -> tuple[list[Path], np.ndarray]:
    """The photos below a folder in the order of their names, and (N,) int64 labels."""
    pairs = [
        (path, skus.index(sku_of(folder)))
        for folder, paths in find_product_folders(root).items()
        for path in paths
        if sku_of(folder) in skus
    ]
    return [path for path, _ in pairs], np.array([label for _, label in pairs], np.int64)


def first_of_each(labels: np.ndarray, size: int | None) -> np.ndarray:
    rows = [np.flatnonzero(labels == label)[:size] for label in np.unique(labels)]
    return np.sort(np.concatenate(rows))


def vectors(embedder: Embedder, photos: list[Path]) -> np.ndarray:
    preprocessing = embedder.backbone.preprocessing

    def read(path: Path) -> np.ndarray:
        return to_pixels(open_upright(path.read_bytes(), preprocessing.decode_side), preprocessing)

    return np.stack([embedded.vector for _, embedded, _ in embed_all(embedder, photos, read)])


def measure(part, test, frozen: np.ndarray, frozen_test: np.ndarray, threads: int) -> dict:
    photos, labels = part
    held_out = choose_held_out(labels, np.zeros(len(labels), bool))
    hyperparameters = Hyperparameters.for_photos(settings.BACKBONE, int((~held_out).sum()))
    began = time.monotonic()
    with prepared(part, held_out, hyperparameters, frozen) as (dataset, folder):
        watch = _Watch(dataset, folder, test, began)
        embedder = exported(train(dataset, folder, watch, threads), folder, hyperparameters.base, threads)
        after, after_test = vectors(embedder, photos), vectors(embedder, test[0])
    comparison = compare(frozen, after, labels, held_out)
    return {
        "photos": len(photos),
        "learned": int((~held_out).sum()),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "frozen": top1(frozen, labels, frozen_test, test[1]),
        "tuned": top1(after, labels, after_test, test[1]),
        "estimated": {
            "before": comparison.before,
            "after": comparison.after,
            "won": comparison.won,
            "lost": comparison.lost,
            "activated": comparison.is_better,
        },
        "epochs": watch.epochs,
    }


@contextmanager
def prepared(
    part: tuple[list[Path], np.ndarray],
    held_out: np.ndarray,
    hyperparameters: Hyperparameters,
    frozen: np.ndarray,
) -> Iterator[tuple[Dataset, Path]]:
    """A folder with what a training needs, as a deep run prepares it, and the dataset."""
    photos, labels = part
    names = tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in photos)
    dataset = Dataset(hyperparameters, names, tuple(labels.tolist()), tuple(held_out.tolist()))
    side = PACKAGED[hyperparameters.base].preprocessing.side
    with tempfile.TemporaryDirectory(prefix="deep-training-") as temporary:
        folder = Path(temporary)
        (folder / "photos").mkdir()
        for path, name in zip(photos, names, strict=True):
            image = open_upright(path.read_bytes(), 2 * side)
            keep_small_copy(image, side, folder / "photos" / f"{name}.jpg")
        save_start(folder, frozen, dataset)
        yield dataset, folder


def exported(model: Tunable, folder: Path, base: str, threads: int) -> Embedder:
    """The tuned network as recognition uses it, while its folder is there."""
    path, packaged = folder / "tuned.onnx", PACKAGED[base]
    export_encoder(model.encoder, path)
    tuned = Backbone("tuned", path, file_sha256(path), packaged.preprocessing, packaged.vector_size)
    return Embedder(tuned, threads)


class _Watch:
    """Notes after each epoch how many test photos the network's own head knows, and when."""

    def __init__(self, dataset: Dataset, folder: Path, test, began: float):
        self.epochs, self._folder, self._began = [], folder, began
        base = PACKAGED[dataset.hyperparameters.base]
        self._model = Tunable(base, dataset.classes, dataset.hyperparameters.first_block)
        self._looks = [to_pixels(open_upright(p.read_bytes()), base.preprocessing)[:1] for p in test[0]]
        self._labels = test[1]

    def __call__(self, news: dict) -> None:
        if "accuracy" not in news:
            return
        optimizer = torch.optim.AdamW([p for p in self._model.parameters() if p.requires_grad])
        checkpoints.load(self._folder / checkpoints.NAME, self._model, optimizer)
        answers = []
        with torch.inference_mode(), Machine.here().autocast():
            for start in range(0, len(self._looks), 32):
                pixels = torch.from_numpy(np.concatenate(self._looks[start : start + 32]))
                answers += self._model(pixels.permute(0, 3, 1, 2)).argmax(dim=1).tolist()
        self.epochs.append(
            {
                "held_out": news["accuracy"],
                "test": round(float(np.mean(np.array(answers) == self._labels)), 4),
                "minutes": round((time.monotonic() - self._began) / 60, 2),
            }
        )


def top1(train_vectors, labels, test_vectors, test_labels) -> float:
    head = fit_head(train_vectors, labels)
    return round(float((head.logits(test_vectors).argmax(axis=1) == test_labels).mean()), 4)


def report(size: str, measured: dict) -> None:
    rows = [("epoch", "minutes", "held out", "test")]
    for number, entry in enumerate(measured["epochs"], start=1):
        rows.append((str(number), entry["minutes"], entry["held_out"], entry["test"]))
    show(f"{size} photos a product: {measured['photos']} photos, {measured['minutes']} minutes", rows)
    estimated = measured["estimated"]
    print(
        f"closed-form head: frozen {measured['frozen']:.1%}, tuned {measured['tuned']:.1%}; estimated "
        f"{estimated['before']:.1%} and {estimated['after']:.1%}; activated: {estimated['activated']}"
    )


if __name__ == "__main__":
    main()
