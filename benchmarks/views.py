"""What do further sides of a product bring: how many get a name, how many names are wrong?

    python -m benchmarks.views TRAIN_DIR TEST_DIR [--json FILE] [--draws 8] [--foreign 0.05]

Both folders hold folders named by SKU. Shops are drawn from TRAIN_DIR with the score that is shipped,
and shown 1, 2, 3 and 5 different photos of one product of TEST_DIR together: the mean of their vectors, as
the till does, with the thresholds for so many. Products with fewer photos than that are left out of a row:
`products_shown` says how many were not.
"""

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.answers import WRONG, Judged, judge_shipped
from benchmarks.installation import RESULTS, show
from benchmarks.recognition import read
from ml_training.recognizer.answers.promise import FOREIGN, VIEWS

KINDS = [*product((10, 20, 40), (5, 20))]  # products, photos of each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--json", type=Path, default=RESULTS / "views.json")
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--foreign", type=float, default=0.05, choices=FOREIGN)
    options = parser.parse_args()
    skus, train = read(options.train)
    test = read(options.test, skus)[1]
    judged = [*judge_shipped(train, test, options.draws, KINDS)]
    rows = [
        summarize([one for one in judged if one.shop.kind == kind], kind, views, options.foreign)
        for kind in KINDS
        for views in VIEWS
    ]
    means = {views: _mean([row for row in rows if row["views"] == views]) for views in VIEWS}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"kinds": rows, "views": [*means.values()]}, indent=1) + "\n")
    for title, lines in (("Views, by kind of shop", rows), ("Views, mean of all kinds", [*means.values()])):
        show(title, [tuple(lines[0]), *(tuple(line.values()) for line in lines)])


def summarize(judged: list[Judged], kind: tuple[int, int], views: int, foreign: float) -> dict:
    """Shares over all shops of a kind; products weigh alike in each."""
    found = np.array([_measure(one, views, foreign) for one in judged])  # (S, 5)
    first, named, right, foreign_named, shown = found.mean(axis=0)
    all_named = (1 - foreign) * named + foreign * foreign_named
    wrong = (1 - foreign) * (named - right) + foreign * foreign_named
    return {
        "products": kind[0],
        "photos_each": kind[1],
        "views": views,
        "right_at_first": round(first, 4),
        "named": round(named, 4),
        "wrong_of_named": round(wrong / all_named, 4) if all_named else 0.0,
        "foreign_named": round(foreign_named, 4),
        "products_shown": round(shown, 1),
    }


def _measure(judged: Judged, views: int, foreign: float) -> tuple[float, ...]:
    open_set = judged.open_set
    known, others = judged.shop.known[views], judged.shop.foreign[views]
    least = open_set.thresholds.named[WRONG, foreign, views]
    named = open_set.score.of(known.features) > least
    return (
        known.weights @ known.right,
        known.weights @ named,
        known.weights @ (named & known.right),
        others.weights @ (open_set.score.of(others.features) > least),
        len(np.unique(known.products)),
    )


def _mean(rows: list[dict]) -> dict:
    shares = ("right_at_first", "named", "wrong_of_named", "foreign_named")
    means = {name: round(float(np.mean([row[name] for row in rows])), 4) for name in shares}
    return {"views": rows[0]["views"], **means}


if __name__ == "__main__":
    main()
