"""Compares what two versions learned, and says it in words."""

from collections import Counter
from dataclasses import dataclass

from catalog.formatting import counted
from ml_training.models import ModelVersion

# Kinds of changes that name no product; stored with versions.
FIRST = "first"
UNKNOWN = "unknown"
OTHER = "other"
MAX_KEPT = 50  # changes of one version that are written down one by one
MAX_NAMED = 4
SAME = ("same", 0, 0)
NOT_RECORDED = "What changed was not written down for this version"
WORDS = {
    "product_added": "{product} added",
    "product_removed": "{product} removed",
    "photo_added": "{photos} added to {product}",
    "photo_removed": "{photos} removed from {product}",
    "photo_moved": "{photos} moved from {origin} to {product}",
    "photo_replaced": "{photos} of {product} replaced",
}


@dataclass(frozen=True)
class Learned:
    """What a photo taught: which bytes show which product."""

    product: int
    product_name: str
    sha256: str


def describe_changes(before: dict[int, Learned], now: dict[int, Learned]) -> list[dict]:
    """Compare the photos, by id, of a version and the one before.

    Returns:
        JSON-serialisable changes: products that came and went, with the number of photos that came and went
        with them, then photos by product, each kind by falling number.
    """
    names = {learned.product: learned.product_name for learned in (*before.values(), *now.values())}
    old, new = ({learned.product for learned in photos.values()} for photos in (before, now))
    counts = Counter(_step(before.get(photo), now.get(photo)) for photo in before.keys() | now.keys())
    counts.pop(SAME, None)
    items = []
    for kind, products, photo_kind in (
        ("product_added", new - old, "photo_added"),
        ("product_removed", old - new, "photo_removed"),
    ):
        items += [
            {"kind": kind, "product": names[product], "count": counts.pop((photo_kind, product, 0), 0)}
            for product in sorted(products)
        ]
    order = list(WORDS)
    for (kind, product, origin), count in sorted(
        counts.items(), key=lambda item: (order.index(item[0][0]), -item[1], item[0])
    ):
        item = {"kind": kind, "product": names[product], "count": count}
        items.append(item | ({"origin": names[origin]} if origin else {}))
    hidden = len(items) - MAX_KEPT
    return [*items[:MAX_KEPT], {"kind": OTHER, "count": hidden}] if hidden > 0 else items


def _step(old: Learned | None, new: Learned | None) -> tuple[str, int, int]:
    """What became of one photo: the kind of change, the product, and the one that it came from."""
    if new is None:
        return "photo_removed", old.product if old else 0, 0
    if old is None:
        return "photo_added", new.product, 0
    if old.product != new.product:
        return "photo_moved", new.product, old.product
    return SAME if old.sha256 == new.sha256 else ("photo_replaced", new.product, 0)


def changes_in_words(version: ModelVersion) -> str:
    """Such as "3 photos added to Lemon, 1 photo removed from Lime"; what is more is counted."""
    if version.changes is None:
        return NOT_RECORDED
    if not version.changes:
        return "The same photos as the version before"
    kind = version.changes[0]["kind"]
    if kind == FIRST:
        return "The first version"
    if kind == UNKNOWN:
        return "What the version before had learned was not written down"
    named = [item for item in version.changes if item["kind"] != OTHER]
    hidden = sum(item["count"] for item in version.changes if item["kind"] == OTHER)
    hidden += max(len(named) - MAX_NAMED, 0)
    words = ", ".join(_in_words(item) for item in named[:MAX_NAMED])
    if hidden:
        words += f" and {counted(hidden, 'more change')}"
    return words


def _in_words(item: dict) -> str:
    photos = counted(item["count"], "photo")
    text = WORDS[item["kind"]].format(photos=photos, product=item["product"], origin=item.get("origin", ""))
    if item["kind"].startswith("product_") and item["count"]:
        return f"{text} ({photos})"
    return text
