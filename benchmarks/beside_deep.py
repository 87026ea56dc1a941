"""Do quick retrains and recognition stay quick while a deep training runs on the same machine?

    python -m benchmarks.beside_deep TRAIN_DIR MORE_DIR [--repeats 8]

Trains TRAIN_DIR and starts a real `qcluster`. Photos of MORE_DIR are recognised, then saved to the product of
their folder's name, each timed until the new version is active: first alone, then, with other photos, while
`manage.py train --deep` learns. Goal: at most twice as long.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.installation import ROOT, import_photos, installation, run_measured, show, write
from benchmarks.one_photo import save_and_wait
from catalog.importing import find_product_folders
from catalog.models import Product, Shop
from ml_training.models import TrainingRun
from ml_training.recognition.recognize import recognize

MAX_TIMES, START_SECONDS = 2, 300
STEPS = ("recognise a photo", "save() to active")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("more", type=Path)
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument(
        "--here", type=int, choices=(0, 1), help="measure here, with each folder's n-th photo"
    )
    options = parser.parse_args()
    if options.here is not None:
        print(json.dumps(measure(options.more, options.here, options.repeats)))
        return
    with installation() as environment:
        imported = import_photos(options.train.resolve(), environment)
        run_measured(["manage.py", "train", "--json"], environment)
        arguments = [str(options.train.resolve()), str(options.more.resolve())]
        arguments += ["--repeats", str(options.repeats), "--here"]
        processes = [started("qcluster", environment=environment)]
        try:
            alone = run_measured(["-m", "benchmarks.beside_deep", *arguments, "0"], environment).report
            processes.append(started("train", "--deep", environment=environment))
            beside = run_measured(["-m", "benchmarks.beside_deep", *arguments, "1"], environment).report
        finally:
            for process in processes:
                process.terminate()
                process.wait(60)
    report(imported, alone, beside)


def started(*command: str, environment: dict) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "manage.py", *command], cwd=ROOT, env=environment)


def measure(more: Path, which: int, repeats: int) -> dict[str, list[float]]:
    """Seconds of each step; the first photo is for warming up. While a deep run goes on, if `which` is 1."""
    if which:
        wait_until_it_learns()
    shop = Shop.default()
    known = {product.sku: product for product in Product.objects.filter(shop=shop)}
    folders = find_product_folders(more).items()
    photos = [(known[f.name], files[which]) for f, files in folders if f.name in known and len(files) > which]
    seconds: dict[str, list[float]] = {step: [] for step in STEPS}
    for product, path in photos[: repeats + 1]:
        data = path.read_bytes()
        began = time.perf_counter()
        recognize(shop, data)
        seconds[STEPS[0]].append(round(time.perf_counter() - began, 4))
        seconds[STEPS[1]].append(round(save_and_wait(shop, product, path)["save() to active"], 4))
    if which and not learning().exists():
        raise SystemExit("The deep training ended before everything was measured: use fewer repeats.")
    return {step: took[1:] for step, took in seconds.items()}


def learning():
    return TrainingRun.objects.filter(kind=TrainingRun.Kind.DEEP, phase=TrainingRun.Phase.LEARNING)


def wait_until_it_learns() -> None:
    until = time.monotonic() + START_SECONDS
    while not learning().filter(progress__gt=0.04).exists():
        if time.monotonic() > until:
            raise SystemExit("The deep training did not begin to learn.")
        time.sleep(0.5)


def report(imported: dict, alone: dict, beside: dict) -> None:
    rows, ratios = [], {}
    for step in STEPS:
        ratios[step] = median(beside[step]) / median(alone[step])
        rows.append((step, median(alone[step]), median(beside[step]), ratios[step]))
    show("Median seconds, alone and beside a deep training", [("", "alone", "beside", "times"), *rows])
    for step, ratio in ratios.items():
        print(f"{step}: at most {MAX_TIMES} times: {'met' if ratio <= MAX_TIMES else 'missed'}.")
    write("beside_deep", {**imported, "ratios": ratios, "alone": alone, "beside": beside})


if __name__ == "__main__":
    main()
