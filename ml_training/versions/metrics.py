"""What the figures of a version say of it, in numbers and in words, whoever wrote them."""

from catalog.formatting import percent, percent_number
from ml_training.models import ModelVersion, ShopTraining


def accuracy_of(version: ModelVersion) -> float | None:
    return _share(version.metrics.get("accuracy"))


def accuracy_range_of(version: ModelVersion) -> list[float] | None:
    """(low, high), or None where it is not known."""
    bounds = version.metrics.get("accuracy_range")
    if not isinstance(bounds, list) or len(bounds) != 2 or None in map(_share, bounds):
        return None
    return [float(bound) for bound in bounds]


def coverage_of(version: ModelVersion, training: ShopTraining) -> float | None:
    """Share of photos of known products that get a name without asking, by what the shop has chosen."""
    by_promise = version.metrics.get("coverage")
    wrong, foreign, _ = training.promise()
    return _share(by_promise.get(f"{wrong},{foreign}")) if isinstance(by_promise, dict) else None


def among_three_of(version: ModelVersion) -> float | None:
    """Share of photos whose product is among the first three answers."""
    return _share(version.metrics.get("among_three"))


def _share(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None  # also of NaN, and of whole numbers that no float holds


def accuracy_in_words(version: ModelVersion | None) -> str:
    """Such as "85 % (80 % to 90 %)": how often the first answer is right on photos taken elsewhere."""
    if version is None:
        return ""
    share, bounds = accuracy_of(version), accuracy_range_of(version)
    if share is None or bounds is None:
        return ""
    words = f"{percent(share)} ({percent(bounds[0])} to {percent(bounds[1])})"
    judged = version.metrics.get("products_judged")
    if isinstance(judged, int) and 0 < judged < version.products:
        words += f", for {judged} of {version.products} products: one photo is too few to judge the others"
    return words


def coverage_in_words(version: ModelVersion | None, training: ShopTraining) -> str:
    """Such as "39 of 100"; empty if it is not known."""
    return _of_hundred(coverage_of(version, training) if version else None)


def among_three_in_words(version: ModelVersion | None) -> str:
    return _of_hundred(among_three_of(version) if version else None)


def _of_hundred(share: float | None) -> str:
    return "" if share is None else f"{percent_number(share)} of 100"
