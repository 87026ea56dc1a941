"""Says in words what asked for a run and what its state means. Called by the page, the API and the log."""

from ml_training.models import TrainingRun

_PHOTOS = {
    "photo_added": "added to",
    "photo_removed": "removed from",
    "photo_replaced": "replaced on",
    "photo_moved": "moved to",
}
_PRODUCTS = {
    "product_switched_on": "switched on",
    "product_switched_off": "switched off",
    "product_deleted": "deleted",
    "product_moved": "moved between shops",
}
_OTHERS = {
    "asked": "Everything trained afresh on request",
    "prepare": "Training data prepared on request",
    "linked": "Model files linked",
    "asked_deep": "Deep training asked for",
    "promises": "Enough new photos for a deep training",
    "owed": "Photos changed while nothing could train",
    "backbone_changed": "The recogniser's backbone was changed",
    "changed_meanwhile": "Photos changed during the last run",
}


def trigger_in_words(run: TrainingRun, most: int = 3) -> str:
    """Such as "3 photos added to Oat milk"; the rest is counted."""
    parts = [_change_in_words(item) for item in run.trigger if item["kind"] != "other"]
    hidden = len(parts) - most + sum(item["count"] for item in run.trigger if item["kind"] == "other")
    words = "; ".join(parts[:most])
    if hidden > 0:
        words += f"; and {hidden} more change{'s' if hidden > 1 else ''}"
    return words or "Unknown"


def _change_in_words(item: dict) -> str:
    kind, product, count = item["kind"], item["product"], item["count"]
    if kind in _PHOTOS:
        return f"{count} photo{'s' if count > 1 else ''} {_PHOTOS[kind]} {product}"
    if kind in _PRODUCTS:
        return f"{product} {_PRODUCTS[kind]}"
    return _OTHERS.get(kind, kind)
