"""What a version takes for what: read from the photos that were held out when it was made."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from ml_training.dataset.manifest import Manifest
from ml_training.models import ModelVersion
from ml_training.versions import files as version_files
from ml_training.versions.files import ModelFileDamaged

MAX_PHOTOS = 3  # remembered of each pair
LIKE_THE_SHOP = 30  # photos, each as the shop's are on average, in a product's figure; docs/advice.md has why


@dataclass(frozen=True)
class Confusion:
    """By product: photos tried and right. By product shown and product answered: how often, and which."""

    tried: dict[int, int] = field(default_factory=dict)
    right: dict[int, float] = field(default_factory=dict)
    times: dict[tuple[int, int], float] = field(default_factory=dict)
    photos: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def share(self, shown: int, answered: int) -> float:
        """Of the photos of one product, how many are taken for the other."""
        return self.times.get((shown, answered), 0) / self.tried[shown] if self.tried.get(shown) else 0.0

    def likely(self, product: int) -> float | None:
        """The share of a product's photos from elsewhere that would be right; few were tried."""
        tried = self.tried.get(product)
        if not tried:
            return None
        usual = sum(self.right.values()) / sum(self.tried.values())
        return (self.right.get(product, 0) + LIKE_THE_SHOP * usual) / (tried + LIKE_THE_SHOP)

    def answers_for(self, product: int) -> list[tuple[int, float]]:
        """What a product's photos are taken for, the most frequent first, each with its share."""
        answers = [(other, self.share(product, other)) for shown, other in self.times if shown == product]
        return sorted(answers, key=lambda item: -item[1])


def confusion_of(version: ModelVersion | None, manifest: Manifest) -> Confusion:
    """What a version's trials say of the photos and products that are still there.

    A version that does not say which photos it tried (an old one, or an external trainer's) gives the shares
    of its metrics, and no photos.
    """
    if version is None:
        return Confusion()
    return _of_photos(version, manifest) if version.cross_validated else _of_metrics(version, manifest)


def _of_photos(version: ModelVersion, manifest: Manifest) -> Confusion:
    places = {photo.pk: photo.product_pk for photo in manifest.photos}
    known = {product.pk for product in manifest.products}
    tried: Counter[int] = Counter()
    right: dict[int, float] = defaultdict(int)
    times: dict[tuple[int, int], float] = defaultdict(int)
    photos: dict[tuple[int, int], list[int]] = {}
    for key, (product, answer) in version.cross_validated.items():
        if places.get(int(key)) != product or answer not in known:
            continue
        tried[product] += 1
        if answer == product:
            right[product] += 1
        else:
            times[product, answer] += 1
            kept = photos.setdefault((product, answer), [])
            if len(kept) < MAX_PHOTOS:
                kept.append(int(key))
    return Confusion(dict(tried), dict(right), dict(times), photos)


def _of_metrics(version: ModelVersion, manifest: Manifest) -> Confusion:
    shares, mix_ups = version.metrics.get("accuracy_by_product"), version.metrics.get("mix_ups", [])
    if not shares:
        return Confusion()
    try:
        labels = json.loads(version_files.read(version, "metadata"))["labels"]
        pks = [label["id"] for label in labels]
        accuracy = {pks[int(index)]: _share(share) for index, share in shares.items()}
        pairs = {(pks[shown], pks[answer]): _share(share) for shown, answer, share in mix_ups}
    except (
        ModelFileDamaged,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        OverflowError,
    ):  # a trainer said so
        return Confusion()
    counts = Counter(photo.product_pk for photo in manifest.photos)
    there = {pk: share for pk, share in accuracy.items() if pk in counts}
    return Confusion(
        tried={pk: counts[pk] for pk in there},
        right={pk: share * counts[pk] for pk, share in there.items()},
        times={pair: s * counts[pair[0]] for pair, s in pairs.items() if {*pair} <= there.keys()},
    )


def _share(value: Any) -> float:
    """A share that somebody else worked out; raises ValueError or TypeError where it is none."""
    share = float(value)
    if not 0 <= share <= 1:
        raise ValueError(f"{share} is no share.")
    return share
