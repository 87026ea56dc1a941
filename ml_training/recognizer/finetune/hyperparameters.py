"""What a deep training does, as numbers, and what it learns from."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass

import numpy as np

FIRST_BLOCKS = {"efficientnet-lite0": 5, "efficientnet-lite2": 7}
HELD_OUT = 5  # one photo of so many is kept from the network, to judge it by
# Random crops in all rounds together: ten rounds of 2,100 photos, 20 minutes on two cores. Measured.
CROPS = 21_000
MIN_EPOCHS = 3  # for many photos: from 7,000 on, a training takes longer
MAX_EPOCHS = 20  # for few photos: up to 1,050


@dataclass(frozen=True)
class Hyperparameters:
    """The numbers of a training.

    Source: AdamW, Loshchilov & Hutter 2019; one cycle, Smith & Topin 2018.
    """

    base: str = "efficientnet-lite2"
    first_block: int = 7  # earlier blocks stay as they are
    epochs: int = 10
    batch: int = 32
    rate: float = 1e-4
    classifier_rate: float = 1e-5
    weight_decay: float = 0.02
    warm_up: float = 0.3  # share of the steps in which the rate grows
    seed: int = 0

    @classmethod
    def for_photos(cls, base: str, photos: int) -> "Hyperparameters":
        """Those for a packaged backbone and a number of photos: few photos are looked at more often."""
        epochs = min(max(round(CROPS / max(photos, 1)), MIN_EPOCHS), MAX_EPOCHS)
        return cls(base, FIRST_BLOCKS[base], epochs)

    def rate_at(self, share: float) -> float:
        """The learning rate's factor when `share` of all steps are done."""
        if share < self.warm_up:
            return 0.04 + 0.96 * (1 - math.cos(math.pi * share / self.warm_up)) / 2
        return (1 + math.cos(math.pi * (share - self.warm_up) / (1 - self.warm_up))) / 2 + 1e-4


@dataclass(frozen=True)
class Dataset:
    """The photos of a training, by the SHA-256 of their bytes, each once."""

    hyperparameters: Hyperparameters
    photos: tuple[str, ...]
    labels: tuple[int, ...]
    held_out: tuple[bool, ...]  # the network never learns from these

    @property
    def classes(self) -> int:
        return max(self.labels) + 1

    def as_json(self) -> dict:
        values = asdict(self)
        return {"recipe": values.pop("hyperparameters"), **values}  # that name is in files and fingerprints

    @classmethod
    def from_json(cls, data: dict) -> "Dataset":
        lists = {name: tuple(data[name]) for name in ("photos", "labels", "held_out")}
        return cls(Hyperparameters(**data["recipe"]), **lists)

    @property
    def fingerprint(self) -> str:
        """The same for the same photos and hyperparameters: a run finds by it where another was cut short."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()[:16]


def choose_held_out(labels: np.ndarray, learned_before: np.ndarray) -> np.ndarray:
    """Choose the photos that a network must not learn from, so that it can be judged by them.

    Photos of a product are taken in bursts and numbered as they were taken, so the last of each product are
    held out, and not ones in between. Photos that the network before has not learned from come first: both
    can then be judged by them.

    Args:
        labels: (N,) int64, in the order the photos were taken.
        learned_before: (N,) bool.
    Returns:
        (N,) bool; products with a single photo have none held out.
    """
    held_out = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        photos = np.flatnonzero(labels == label)
        wanted = max(1, round(len(photos) / HELD_OUT)) if len(photos) > 1 else 0
        preferred = sorted(photos, key=lambda index: (not learned_before[index], index))
        held_out[preferred[len(photos) - wanted :]] = True
    return held_out
