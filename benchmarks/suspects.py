"""Does the advice hold: are wrong labels, copies and bad pictures found, and is what is said to be worth
photographing next worth it?

    python -m benchmarks.suspects TRAIN_DIR --test DIR [--seeds 5]

Both folders hold folders named by SKU. Labels are swapped for 10 % of the photos: for any other product, or
for the most alike one. Photos are made bad on purpose: blurred, darkened, shrunk into a bare table. Then
a shop with 3 to 12 photos a product gets 10 more of five products: those advised, or five at random.
"""

import argparse
import io
import time
from pathlib import Path

import numpy as np
from django.conf import settings
from PIL import Image, ImageEnhance, ImageFilter

from benchmarks.installation import CACHE, show, write
from benchmarks.recognition import Labelled, draw, read
from catalog.importing import find_product_folders
from catalog.photo_files import open_upright
from ml_training.recognizer.backbone import packaged_backbone
from ml_training.recognizer.embedder import Embedder
from ml_training.recognizer.head import fit_head
from ml_training.recognizer.learning_curve import MORE, expected_gains
from ml_training.recognizer.outliers import SAME_PICTURE, find_copies, find_outliers
from ml_training.recognizer.preprocess import to_pixels
from ml_training.recognizer.quality import measure_quality
from ml_training.recognizer.train import fit_model

SIZES = (3, 5, 10, None)  # photos a product; None is all
SWAPPED, ADVISED, EVERY = 0.1, 5, 10
LARGE = 50_000  # photos, for the time and memory that they take


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    skus, train = read(options.train)
    test = read(options.test, skus)[1]
    result = {
        "photos": len(train.labels),
        "products": len(skus),
        "swapped": swapped_labels(train, options.seeds),
        "pictures": bad_pictures(options.train),
        "next": next_products(train, test, 4 * options.seeds),
        **how_long(train),
    }
    report(result)
    write("suspects", result)


def swapped_labels(train: Labelled, seeds: int) -> list[dict]:
    """Of swapped photos and of the others, how many are listed; of those in their places, how many."""
    classes = int(train.labels.max()) + 1
    means = np.stack([train.vectors[train.labels == label].mean(axis=0) for label in range(classes)])
    apart = (means**2).sum(axis=1) - 2 * means @ means.T
    np.fill_diagonal(apart, np.inf)
    twin = apart.argmin(axis=1)
    rows = []
    for size in SIZES:
        for how in ("any product", "the most alike"):
            figures = []
            for seed in range(seeds):
                part, rng = draw(train, size, seed), np.random.default_rng(seed)
                wrong = np.zeros(len(part.labels), bool)
                wrong[rng.choice(len(wrong), int(SWAPPED * len(wrong)), replace=False)] = True
                own = part.labels[wrong]
                labels = part.labels.copy()
                other = (own + rng.integers(1, classes, len(own))) % classes
                labels[wrong] = other if how == "any product" else twin[own]
                if len(np.unique(labels)) == classes:
                    listed, clean = _listed(part.vectors, labels), _listed(part.vectors, part.labels)
                    figures.append((listed[wrong].mean(), listed[~wrong].mean(), clean.mean()))
            shares = [round(float(share), 4) for share in np.mean(figures, axis=0)]
            names = ("found", "innocent", "clean_false_alarms")
            rows.append(
                {"photos": size or "all", "swapped_for": how, **dict(zip(names, shares, strict=True))}
            )
    return rows


def _listed(vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
    listed = np.zeros(len(labels), bool)
    listed[[outlier.row for outlier in find_outliers(vectors, labels)]] = True
    return listed


def _shrunk(image: Image.Image, share: float) -> Image.Image:
    """The middle of a photo at this share of the side, on a table of the colour at its edges."""
    small = np.asarray(image.resize((64, 64)), float)
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]]).mean(axis=0)
    noise = np.random.default_rng(0).normal(0, 3, (image.height, image.width, 3))
    table = Image.fromarray((edge + noise).clip(0, 255).astype(np.uint8))
    width, height = image.size
    middle = image.crop((int(0.15 * width), int(0.15 * height), int(0.85 * width), int(0.85 * height)))
    size = (int(share * width), int(share * height))
    table.paste(middle.resize(size), ((width - size[0]) // 2, (height - size[1]) // 2))
    return table


def _blurred(share: float):
    return lambda image: image.filter(ImageFilter.GaussianBlur(share * min(image.size)))


def _darkened(share: float):
    return lambda image: ImageEnhance.Brightness(image).enhance(share)


def _saved_anew(quality: int, brightness: float = 1.0):
    def change(image: Image.Image) -> Image.Image:
        buffer = io.BytesIO()
        ImageEnhance.Brightness(image).enhance(brightness).save(buffer, "JPEG", quality=quality)
        return Image.open(buffer).convert("RGB")

    return change


MADE = {
    "blurred by 0.6 % of the side": _blurred(0.006),
    "blurred by 1 %": _blurred(0.01),
    "darkened to 50 %": _darkened(0.5),
    "darkened to 35 %": _darkened(0.35),
    "darkened to 20 %": _darkened(0.2),
    "shrunk to 40 % of the side": lambda image: _shrunk(image, 0.4),
    "shrunk to 30 %": lambda image: _shrunk(image, 0.3),
    "shrunk to 20 %": lambda image: _shrunk(image, 0.2),
}
COPIES = {"saved anew, quality 90": _saved_anew(90), "quality 75, 5 % lighter": _saved_anew(75, 1.05)}


def bad_pictures(root: Path) -> dict[str, dict[str, float]]:
    """Share of photos in which each fault is seen: of all as they are, and of every tenth made bad."""
    embedder = Embedder(packaged_backbone(settings.BACKBONE, CACHE), settings.COMPUTE_THREADS)
    preprocessing = embedder.backbone.preprocessing
    paths = [path for paths in find_product_folders(root).values() for path in paths]
    seen: dict[str, list[list[str]]] = {"as they are": []}
    for number, path in enumerate(paths):
        image = open_upright(path.read_bytes(), preprocessing.decode_side)
        seen["as they are"].append(measure_quality(to_pixels(image, preprocessing)).faults())
        for name, change in MADE.items() if number % EVERY == 0 else ():
            pixels = to_pixels(change(image), preprocessing)
            seen.setdefault(name, []).append(measure_quality(pixels).faults())
        for name, change in COPIES.items() if number % (5 * EVERY) == 0 else ():
            pixels = np.stack([to_pixels(one, preprocessing) for one in (image, change(image))])
            first, second = embedder.embed(pixels)
            seen.setdefault(name, []).append(["copy"] if first @ second >= SAME_PICTURE else [])
    faults = ("blurred", "dark", "small", "copy")
    return {
        name: {fault: round(float(np.mean([fault in one for one in found])), 4) for fault in faults}
        for name, found in seen.items()
    }


def next_products(train: Labelled, test: Labelled, seeds: int) -> dict[str, float]:
    """What ten more photos of five products change in top-1 on test photos, products weighing the same."""
    classes, rows = int(train.labels.max()) + 1, []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        sizes = rng.integers(3, 13, classes)
        photos = [rng.permutation(np.flatnonzero(train.labels == label)) for label in range(classes)]
        base = np.concatenate([photos[label][: sizes[label]] for label in range(classes)])
        answers, labels = (
            fit_model(train.vectors[base], train.labels[base], lambda: None).answers,
            train.labels[base],
        )
        judged = np.bincount(labels[answers >= 0], minlength=classes)
        right = np.bincount(labels[answers == labels], minlength=classes)
        gains = expected_gains(np.bincount(labels, minlength=classes), judged, right)
        before = _top1(train.only(base), test)

        def gained(products, photos=photos, sizes=sizes, base=base, before=before) -> tuple[float, float]:
            more = [photos[label][sizes[label] : sizes[label] + MORE] for label in products]
            change = _top1(train.only(np.concatenate([base, *more])), test) - before
            return np.nanmean(change), np.nanmean(change[products])

        advised = np.argsort(-gains, kind="stable")[:ADVISED]
        random = [gained(rng.choice(classes, ADVISED, replace=False)) for _ in range(4)]
        rows.append((*gained(advised), *np.mean(random, axis=0), gains[advised].mean()))
    names = ("advised", "advised_themselves", "random", "random_themselves", "expected_of_the_advised")
    figures = {name: round(float(mean), 4) for name, mean in zip(names, np.mean(rows, axis=0), strict=True)}
    return figures | {"advised_standard_error": round(float(np.std(rows, axis=0)[0] / np.sqrt(seeds)), 4)}


def _top1(train: Labelled, test: Labelled) -> np.ndarray:
    """(C,) by product, on test photos; NaN where there are none."""
    hits = fit_head(train.vectors, train.labels).logits(test.vectors).argmax(axis=1) == test.labels
    classes = int(train.labels.max()) + 1
    counts = np.bincount(test.labels, minlength=classes)
    right = np.bincount(test.labels[hits], minlength=classes)
    return np.where(counts > 0, right / np.maximum(counts, 1), np.nan)


def how_long(train: Labelled) -> dict[str, float]:
    """Seconds of suspects and copies together: for these photos, and for many more like them."""
    half = train.vectors.astype(np.float16)
    rng = np.random.default_rng(0)
    rows = np.sort(rng.integers(0, len(half), LARGE))
    many = half[rows] + rng.normal(0, 0.01, (LARGE, half.shape[1])).astype(np.float16)
    result = {}
    for name, vectors, labels in (
        ("seconds", half, train.labels),
        ("seconds_50000", many, train.labels[rows]),
    ):
        started = time.perf_counter()
        find_outliers(vectors, labels)
        find_copies(vectors, labels)
        result[name] = round(time.perf_counter() - started, 3)
    return result


def report(result: dict) -> None:
    show(
        "10 % of labels swapped",
        [tuple(result["swapped"][0]), *[tuple(row.values()) for row in result["swapped"]]],
    )
    pictures = result["pictures"]
    head = ("", *pictures["as they are"])
    show("Faults seen", [head, *[(name, *faults.values()) for name, faults in pictures.items()]])
    show("Ten more photos of five products: points of top-1", [("", ""), *result["next"].items()])
    show("Seconds", [("", ""), ("these photos", result["seconds"]), ("50,000", result["seconds_50000"])])


if __name__ == "__main__":
    main()
