"""What speaks against a new version: the words, and the photos to look at."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ml_training.models import ModelVersion


@dataclass(frozen=True)
class GateResult:
    """In what a version is worse, in words, and the photos to look at, by id, the surest first."""

    why: str
    photos: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.why)


GOOD = GateResult("")


def combine(*results: GateResult) -> GateResult:
    """One result of several: a later one counts, too, if most of its photos are not among those before."""
    reasons: list[str] = []
    photos: dict[int, None] = {}  # in order
    for result in results:
        more = sum(photo not in photos for photo in result.photos)
        if result and (not reasons or 2 * more > len(result.photos)):
            reasons.append(result.why)
            photos |= dict.fromkeys(result.photos)
    return GateResult(" Also: ".join(reasons), list(photos))


def sort_surest_first(version: ModelVersion, photos: Iterable[int]) -> list[int]:
    """Sort photos by how surely they lie on a wrong product.

    First come those that look like another product twice over: to their neighbours and to the trial without
    them; then to their neighbours alone; then to the trial alone. Among these, those of the two products that
    are mixed up most often come first; then the newest.
    """
    pairs = {photo: tuple(version.outliers.get(str(photo), ())) for photo in photos}
    misclassified = (version.evidence or {}).get("mistaken", {})
    times = Counter(pairs.values())

    def surety(photo: int) -> tuple[bool, bool, int, int]:
        pair, answer = pairs[photo], tuple(misclassified.get(str(photo), ()))
        return bool(pair), pair == answer if pair else bool(answer), times[pair], photo

    return sorted(pairs, key=surety, reverse=True)
