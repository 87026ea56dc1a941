"""Does a deep training that is killed again and again end as one that nobody disturbed?

    python -m benchmarks.deep_kills TRAIN_DIR [--kills 10]

TRAIN_DIR holds folders named by SKU. Twelve photos of each of six products are learned by EfficientNet-Lite0
in a process of its own, as a worker starts it. One such process is left alone; another is killed (kill -9) at
moments drawn by lot and started again, until it has been killed so often. Both networks are then compared.
"""

import argparse
import hashlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from benchmarks.deep_training import first_of_each, listed, vectors
from benchmarks.installation import CACHE, ROOT, show, write
from catalog.importing import find_product_folders, sku_of
from catalog.photo_files import open_upright
from ml_training.recognizer.backbone import PACKAGED, packaged_backbone
from ml_training.recognizer.embedder import Embedder
from ml_training.recognizer.finetune.hyperparameters import Dataset, Hyperparameters, choose_held_out
from ml_training.recognizer.finetune.loop import BEST, save_start
from ml_training.recognizer.finetune.photos import keep_small_copy

PRODUCTS, PHOTOS = 6, 12
HYPERPARAMETERS = Hyperparameters("efficientnet-lite0", first_block=5, epochs=24, batch=8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--kills", type=int, default=10)
    options = parser.parse_args()
    skus = sorted(sku_of(folder) for folder in find_product_folders(options.train))[:PRODUCTS]
    photos, labels = listed(options.train, skus)
    rows = first_of_each(labels, PHOTOS)
    photos, labels = [photos[row] for row in rows], labels[rows]
    with tempfile.TemporaryDirectory(prefix="deep-kills-") as root:
        folders = [prepare(Path(root) / name, photos, labels) for name in ("alone", "killed")]
        began = time.monotonic()
        finish(folders[0])
        seconds = time.monotonic() - began
        moments = kill_and_restart(folders[1], options.kills, seconds)
        finish(folders[1])
        first, second = (load_file(folder / BEST) for folder in folders)
        history = [json.loads((folder / "history.json").read_text()) for folder in folders]
    furthest = max(float(np.abs(first[name] - second[name]).max()) for name in first)
    result = {
        "photos": len(photos),
        "kills": len(moments),
        "epochs_done_when_killed": moments,
        "largest_difference_of_a_weight": furthest,
        "accuracy": [[epoch["accuracy"] for epoch in one] for one in history],
    }
    rows = [("killed", "epochs done when killed", "largest difference of any weight"),
            (f"{len(moments)} times", ", ".join(map(str, moments)), furthest)]  # fmt: skip
    show("A deep training killed at moments drawn by lot, against one left alone", rows)
    write("deep_kills", result)


def prepare(folder: Path, photos: list[Path], labels: np.ndarray) -> Path:
    """Write what a training process needs, as a deep run does."""
    names = tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in photos)
    held_out = choose_held_out(labels, np.zeros(len(labels), bool))
    dataset = Dataset(HYPERPARAMETERS, names, tuple(labels.tolist()), tuple(held_out.tolist()))
    side = PACKAGED[HYPERPARAMETERS.base].preprocessing.side
    (folder / "photos").mkdir(parents=True)
    (folder / "lesson.json").write_text(json.dumps(dataset.as_json()))
    for path, name in zip(photos, names, strict=True):
        keep_small_copy(open_upright(path.read_bytes(), 2 * side), side, folder / "photos" / f"{name}.jpg")
    save_start(folder, vectors(Embedder(packaged_backbone(HYPERPARAMETERS.base, CACHE), 1), photos), dataset)
    return folder


def start(folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "ml_training.recognizer.finetune", str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def finish(folder: Path) -> None:
    """Let the training run to its end."""
    with start(folder) as process:
        for _ in process.stdout:
            pass
        if process.wait() != 0:
            raise SystemExit("The training process failed; what it said is above.")


def kill_and_restart(folder: Path, kills: int, seconds: float) -> list[float]:
    """Kill the training so often, each time after a part of its work drawn by lot; where it was each time."""
    lots, moments = random.Random(0), []
    for _ in range(kills):
        with start(folder) as process:
            first = json.loads(process.stdout.readline())
            left = lots.uniform(0, 1.6 / kills)  # of all the work, so that not all of it is done too early
            news = first
            while news["share"] < min(first["share"] + left, 0.95):
                news = json.loads(process.stdout.readline())
            time.sleep(lots.uniform(0, seconds / HYPERPARAMETERS.epochs / 8))
            process.send_signal(signal.SIGKILL)
            moments.append(round(news["share"] * HYPERPARAMETERS.epochs, 2))
    return moments


if __name__ == "__main__":
    main()
