"""What speaks against a new version: the words, and the photos to look at. Called by `gate` and its parts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ml_training.models import ModelVersion


@dataclass(frozen=True)
class Verdict:
    """In what a version is worse, in words, and the photos to look at, by id, the surest first."""

    why: str
    photos: list[int] = field(default_factory=list)

    def __bool__(self):
        return bool(self.why)


GOOD = Verdict("")


def together(*found: Verdict) -> Verdict:
    """One verdict of several: a later one is said, too, if most of its photos are not among those before."""
    said, photos = [], []
    for verdict in found:
        more = [photo for photo in verdict.photos if photo not in photos]
        if verdict and (not said or 2 * len(more) > len(verdict.photos)):
            said.append(verdict.why)
            photos += more
    return Verdict(" Also: ".join(said), photos)


def surest_first(version: ModelVersion, photos: Iterable[int]) -> list[int]:
    """Sort photos by how surely they lie on a wrong product.

    First come those that look like another product twice over: to their neighbours and to the trial without
    them. Then those of the two products that are mixed up most often; then the newest.
    """
    pairs = {photo: tuple(version.strangers.get(str(photo), ())) for photo in photos}
    mistaken = (version.doubts or {}).get("mistaken", {})
    times = Counter(pairs.values())

    def surety(photo: int):
        pair = pairs[photo]
        return bool(pair), tuple(mistaken.get(str(photo), ())) == pair, times[pair], photo

    return sorted(pairs, key=surety, reverse=True)
