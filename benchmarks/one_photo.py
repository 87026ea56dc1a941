"""How soon after a photo is saved is a model that knows it active?

    python -m benchmarks.one_photo TRAIN_DIR MORE_DIR [--repeats 12]

Trains TRAIN_DIR, starts a real `qcluster`, and then saves photos of MORE_DIR one by one, each to the product
of its folder's name: from `save()` to the moment at which another process sees the new version active. Before
each, this process does the least that has to be done, with the same code on the same photos: embed one, fit
the head on all and calibrate it on photos held out. Goals: at most 3 times that, and under 5 s.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
from django.conf import settings
from django.core.files import File

from benchmarks.installation import ROOT, import_photos, installation, run_measured, show, write
from catalog.importing import find_product_folders
from catalog.models import Product, ProductImage, Shop
from catalog.photo_files import open_upright
from ml_training.backbones.loader import open_embedder
from ml_training.dataset.embeddings import stored_vectors
from ml_training.dataset.manifest import read_manifest
from ml_training.models import ShopTraining
from ml_training.recognizer.head import fit_head
from ml_training.recognizer.preprocess import to_pixels
from ml_training.recognizer.train import fit_model

MAX_TIMES, MAX_SECONDS = 3, 5
POLL_SECONDS = 0.003


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("more", type=Path)
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--here", action="store_true", help="measure in the installation of the environment")
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure(options.more, options.repeats)))
        return
    with installation() as environment:
        imported = import_photos(options.train.resolve(), environment)
        run_measured(["manage.py", "train", "--json"], environment)
        queue = subprocess.Popen([sys.executable, "manage.py", "qcluster"], cwd=ROOT, env=environment)
        try:
            again = ["-m", "benchmarks.one_photo", "--here", "--repeats", str(options.repeats)]
            folders = [str(options.train.resolve()), str(options.more.resolve())]
            result = run_measured([*again, *folders], environment).report
        finally:
            queue.terminate()
            queue.wait(30)
    report(imported, result)


def measure(more: Path, repeats: int) -> dict:
    """Seconds of each step, a list of `repeats` each; the first photo is for warming up and is left out."""
    shop, embedder = Shop.default(), open_embedder()
    folders = find_product_folders(more)
    known = {product.sku: product for product in Product.objects.filter(shop=shop)}
    photos = [(known[folder.name], files[0]) for folder, files in folders.items() if folder.name in known]
    seconds = {}
    for product, path in photos[: repeats + 1]:
        for step, took in {**least(shop, embedder, path), **save_and_wait(shop, product, path)}.items():
            seconds.setdefault(step, []).append(round(took, 4))
    return {step: took[1:] for step, took in seconds.items()}


def least(shop: Shop, embedder, path: Path) -> dict[str, float]:
    """Embed one photo, and fit the head on the vectors of all."""
    manifest = read_manifest(shop.pk)
    vectors = stored_vectors(embedder.backbone.id, [photo.sha256 for photo in manifest.photos])
    matrix = np.stack([vectors[photo.sha256] for photo in manifest.photos])
    preprocessing = embedder.backbone.preprocessing
    times = [time.perf_counter()]
    embedder.embed(to_pixels(open_upright(path.read_bytes(), preprocessing.decode_side), preprocessing)[None])
    times.append(time.perf_counter())
    fit_head(matrix, manifest.labels)
    times.append(time.perf_counter())
    fit_model(matrix, manifest.labels, lambda: None)
    times.append(time.perf_counter())
    embedding, head, model = np.diff(times)
    return {"embed one photo": embedding, "fit the head": head, "fit the head and calibrate it": model}


def save_and_wait(shop: Shop, product: Product, path: Path) -> dict[str, float]:
    state = ShopTraining.objects.filter(shop=shop).values_list("active_version", "wanted", "trained")
    before = state.get()[0]
    with path.open("rb") as file:
        started = time.perf_counter()
        ProductImage(product=product, image=File(file, name=path.name)).save()
        saved = time.perf_counter()
        while state.get()[0] == before:
            assert time.perf_counter() - started < 120, "No worker trained the photo."
            time.sleep(POLL_SECONDS)
    active = time.perf_counter()
    run = ShopTraining.objects.get(shop=shop).active_version.run
    waited = (run.started_at - run.created_at).total_seconds()
    phases = {f"  {name}": took for name, took in run.metrics["phases"].items()}
    return {
        "save() alone": saved - started,
        "  waiting": waited,
        **phases,
        "save() to active": active - started,
    }


def report(imported: dict, seconds: dict[str, list[float]]) -> None:
    rows = [(step, median(took), max(took)) for step, took in seconds.items()]
    title = f"One more photo than {imported['photos']} of {imported['products']} products"
    show(f"{title}, {settings.BACKBONE}", [("seconds", "median", "worst"), *rows])
    embedding, active = np.array(seconds["embed one photo"]), np.array(seconds["save() to active"])
    ratios = {}
    for step in ("fit the head and calibrate it", "fit the head"):
        least = embedding + np.array(seconds[step])
        ratios[f"save() to active / (embed one photo + {step})"] = float(median(active / least))
    trying = np.array(seconds["fit the head and calibrate it"]) - np.array(seconds["fit the head"])
    tried = {"trying it on photos held out / all the rest": float(median(trying / (active - trying)))}
    show("Median of the ratios of neighbours in time", [("", "times"), *ratios.items(), *tried.items()])
    print()
    for name, ratio in ratios.items():
        print(f"At most {MAX_TIMES} times {name.partition('/ ')[2]}: {_verdict(ratio <= MAX_TIMES)}.")
    print(f"Under {MAX_SECONDS} s: {_verdict(max(active) < MAX_SECONDS)}.")
    facts = {**imported, "backbone": settings.BACKBONE, "threads": settings.COMPUTE_THREADS}
    write("one_photo", {**facts, "ratios": ratios | tried, "seconds": seconds})


def _verdict(is_met: bool) -> str:
    return "met" if is_met else "missed"


if __name__ == "__main__":
    main()
