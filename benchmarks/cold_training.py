"""How much longer does a first training take than decoding the photos and running the backbone on them?

    python -m benchmarks.cold_training PHOTO_DIR

PHOTO_DIR holds folders named by SKU. Three processes take turns of a second, so that other work on the
machine hits them alike: the real command `train` on freshly imported photos (the same code as the queue's
task), and `bare_loop` twice, with ONNX Runtime's default of threads that spin while they wait and with
threads that sleep, as training has them. The exported backbone is there beforehand. All seconds are of whole
processes, imports included. Goals: at most 1.25 times the bare loop, and under 1.5 GB.
"""

import argparse
from pathlib import Path

from django.conf import settings

from benchmarks.installation import CACHE, import_photos, installation, show, take_turns, write
from ml_training.recognizer.backbone import packaged_backbone

MAX_TIMES, MAX_MB = 1.25, 1500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("photos", type=Path)
    folder = parser.parse_args().photos.resolve()
    packaged_backbone(settings.BACKBONE, CACHE)
    with installation() as environment:
        imported = import_photos(folder, environment)
        used = take_turns(
            {
                "bare loop, threads spin": (["-m", "benchmarks.bare_loop", str(folder)], environment),
                "bare loop, threads sleep": (
                    ["-m", "benchmarks.bare_loop", str(folder), "--sleep"],
                    environment,
                ),
                "train": (["manage.py", "train", "--json"], environment),
            }
        )
    bare, train = used["bare loop, threads spin"], used["train"]
    assert train.report["photos"] == bare.report["photos"] == imported["photos"]
    rows = [
        (name, usage.seconds, usage.cpu_seconds, usage.seconds / bare.seconds, round(usage.peak_mb))
        for name, usage in used.items()
    ]
    title = f"{imported['photos']} photos of {imported['products']} products, {settings.BACKBONE}"
    show(title, [("", "seconds", "CPU seconds", "ratio", "peak MB"), *rows])
    show("Phases of train, pauses included", [("", "seconds"), *train.report["phases"].items()])
    ratio = train.seconds / bare.seconds
    met = ratio <= MAX_TIMES and train.peak_mb < MAX_MB
    print(f"\nGoal of {MAX_TIMES} times and {MAX_MB} MB: {'met' if met else 'missed'}.")
    write(
        "cold_training",
        {
            "photos": imported["photos"],
            "products": imported["products"],
            "backbone": settings.BACKBONE,
            "threads": settings.COMPUTE_THREADS,
            "ratio": round(ratio, 3),
            "ratio_of_cpu_seconds": round(train.cpu_seconds / bare.cpu_seconds, 3),
            "processes": used,
        },
    )


if __name__ == "__main__":
    main()
