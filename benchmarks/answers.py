"""How many photos get a name, how many names are wrong, and do short lists hold the right product?

    python -m benchmarks.answers TRAIN_DIR TEST_DIR [--json FILE] [--shipped] [--draws 8]

Both folders hold folders named by SKU. Shops of so many products and photos of each are drawn from TRAIN_DIR,
and shown the photos of TEST_DIR: of their own products, and of products that they do not have. Without
--shipped the score is learned from shops of one half of the products and judged on shops of the other half,
both ways; shops larger than a half are drawn from all products.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.installation import RESULTS, show
from benchmarks.learn_answers import PHOTOS, PRODUCTS, learn
from benchmarks.recognition import Labelled, read
from benchmarks.simulated_shops import Kind, SimulatedShop, draw_shops
from ml_training.recognizer.answers.open_set import OpenSet
from ml_training.recognizer.answers.promise import FOREIGN, Learned, shipped
from ml_training.recognizer.train import fit_open_set

KINDS = [*product((10, 20, 40, 60), (3, 5, 20))]  # products, photos of each
WRONG = 0.02
MAX_LIST = 6


class Judged(NamedTuple):
    shop: SimulatedShop
    open_set: OpenSet
    told: dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--json", type=Path, default=RESULTS / "answers.json")
    parser.add_argument("--shipped", action="store_true", help="judge the score that is shipped")
    parser.add_argument("--draws", type=int, default=8)
    options = parser.parse_args()
    skus, train = read(options.train)
    test = read(options.test, skus)[1]
    judged = judge_shipped if options.shipped else judge_halves
    rows = summarize([*judged(train, test, options.draws)])
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"shops": rows}, indent=1) + "\n")
    show(
        "Answers by kind of shop and share of foreign photos",
        [tuple(rows[0]), *(tuple(r.values()) for r in rows)],
    )


def judge_shipped(
    train: Labelled, test: Labelled, draws: int, kinds: Sequence[Kind] = KINDS
) -> Iterator[Judged]:
    everything = np.unique(train.labels)
    for shop in draw_shops(train, test, kinds, draws, everything, everything[:0]):
        yield _fit(shop, shipped())


def judge_halves(train: Labelled, test: Labelled, draws: int) -> Iterator[Judged]:
    everything = np.unique(train.labels)
    order = np.random.default_rng(0).permutation(everything)
    halves = [order[: len(order) // 2], order[len(order) // 2 :]]
    teaching = list(product(PRODUCTS, PHOTOS))
    for half, other in (halves, halves[::-1]):
        learned = learn([*draw_shops(train, test, teaching, draws, half, half[:0])])
        small = [kind for kind in KINDS if kind[0] <= len(other)]
        large = [kind for kind in KINDS if kind[0] > len(other)]
        for shop in draw_shops(train, test, small, draws, other, half):
            yield _fit(shop, learned)
        for shop in draw_shops(train, test, large, draws, everything, half[:0]):
            yield _fit(shop, learned)


def _fit(shop: SimulatedShop, learned: Learned) -> Judged:
    return Judged(shop, *fit_open_set(shop.fitted, shop.trials, shop.labels, learned=learned))


def summarize(judged: list[Judged]) -> list[dict]:
    kinds: dict[Kind, list[Judged]] = {}
    for one in judged:
        kinds.setdefault(one.shop.kind, []).append(one)
    return [
        _summarize_kind(kind, shops, foreign)
        for kind, shops in kinds.items()
        for foreign in (FOREIGN if len(shops[0].shop.foreign[1].products) else (0.0,))
    ]


def _summarize_kind(kind: Kind, shops: list[Judged], foreign: float) -> dict:
    """Shares over all shops of a kind; products weigh alike in each."""
    allowed = foreign or min(FOREIGN)
    found = np.array([_measure(one, allowed) for one in shops])  # (S, 7)
    named, right, foreign_named, length, holds, told, first = found.mean(axis=0)
    all_named = (1 - foreign) * named + foreign * foreign_named
    wrong = (1 - foreign) * (named - right) + foreign * foreign_named
    each = (1 - foreign) * found[:, 0] + foreign * found[:, 2]
    wrong_each = (1 - foreign) * (found[:, 0] - found[:, 1]) + foreign * found[:, 2]
    share_each = wrong_each[each > 0] / each[each > 0]
    return {
        "products": kind[0],
        "photos_each": kind[1],
        "foreign": foreign,
        "right_at_first": round(first, 4),
        "named": round(named, 4),
        "told": round(told, 4),
        "wrong_of_named": round(wrong / all_named, 4) if all_named else 0.0,
        "shops_above_5": round(float((share_each > 0.05).mean()), 4) if len(share_each) else 0.0,
        "foreign_named": round(foreign_named, 4),
        "list_length": round(length, 3),
        "list_holds": round(holds, 4),
        "names_nothing": round(float((found[:, 0] == 0).mean()), 4),
    }


def _measure(judged: Judged, foreign: float) -> tuple[float, ...]:
    shop, open_set = judged.shop, judged.open_set
    known, others = shop.known[1], shop.foreign[1]
    least = open_set.thresholds.named[WRONG, foreign, 1]
    named = open_set.score.of(known.features) > least
    foreign_named = open_set.score.of(others.features) > least
    behind = shop.known_logits.max(axis=1, keepdims=True) - shop.known_logits  # (K, C)
    place = (behind < np.take_along_axis(behind, shop.known_labels[:, None], axis=1)).sum(axis=1)
    lengths = np.clip((behind <= open_set.list_gap).sum(axis=1), 1, MAX_LIST)
    share = known.weights
    return (
        share @ named,
        share @ (named & known.right),
        others.weights @ foreign_named if len(others.products) else 0.0,
        share @ lengths,
        share @ (place < lengths),
        judged.told[f"{WRONG},{foreign}"],
        share @ known.right,
    )


if __name__ == "__main__":
    main()
