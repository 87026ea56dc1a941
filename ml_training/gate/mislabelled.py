"""Finds out whether too many of the photos that came lately, or were moved, lie on a wrong product.

A few wrong ones in each training are no loss that two versions could be told apart by, and spoil a model all
the same in the end. So what came since each version that served lately is looked at together. Called by
`gate`; which photos look like another product is found while training (`recognizer.outliers`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from catalog.models import Product, ProductImage
from ml_training.gate.binomial import at_least
from ml_training.gate.result import GOOD, Verdict, surest_first
from ml_training.models import ModelVersion
from ml_training.versions.provenance import learned_by

# Share of good photos that look like another product, measured; the shop's own where that is higher.
USUAL = 0.03
FEWEST, MORE = 3, 0.1  # photos, and share beyond the usual one, from which on they are too many
CHANCE = 0.001  # of taking good photos for misplaced ones


@dataclass(frozen=True)
class Misplaced:
    """Too many photos that look like another product, among those that are new since a version."""

    since: int  # the version's number
    photos: list[str]
    new: int  # how many photos are new since then
    until: int | None = None  # number of a later version that was held back: of those it learned


def what_is_misplaced(new: ModelVersion, served: list[int]) -> Verdict:
    """Say in words that too many of the photos that came lately look like another product; GOOD if not.

    Args:
        served: numbers of versions that served lately, the one that serves first.
    """
    strangers = new.strangers
    if len(strangers) < FEWEST:
        return GOOD
    rows = learned_by(new).values_list("photo_id", "product_id", "since")
    known = {(str(photo), product): since for photo, product, since in rows}
    since = {photo: known.get((photo, product), new.number) for photo, (product, _) in new.judged.items()}
    found = find_misplaced(since, strangers, served)
    if found is None:
        return GOOD
    photos = surest_first(new, map(int, found.photos))
    own, other = new.strangers[str(photos[0])]
    names = dict(Product.objects.filter(pk__in=(own, other)).values_list("pk", "name"))
    file = ProductImage.objects.filter(pk=photos[0]).values_list("filename", flat=True).first() or "one"
    when = f"since version {found.since}" if found.until is None else f"before version {found.until}"
    return Verdict(
        f"{len(photos)} of the {found.new} photos that came or were moved {when} look "
        f"more like another product than like their own, such as {file} on {names.get(own, 'a product')}, "
        f"which looks like {names.get(other, 'another one')}. Move them or delete them; if they are right, "
        f"activate version {new.number}.",
        photos,
    )


def find_misplaced(
    since: Mapping[str, int], strangers: Mapping[str, object], served: list[int]
) -> Misplaced | None:
    """Find the version since which the share of misplaced photos is the least likely to be chance.

    Versions that were held back meanwhile are asked too: good photos that came after them mend nothing.

    Args:
        since: by photo the number of the version that learned it first on its product.
        strangers: the photos that look like another product, and perhaps some that are not in `since`.
        served: numbers of versions, the one that serves first.
    Returns:
        None where there are never too many.
    """
    photos = np.array(list(since))
    first = np.array(list(since.values()))
    strange = np.array([photo in strangers for photo in since], bool)
    spans = [(number, None) for number in served]
    if served:
        later = np.unique(first[first > served[0]])[:-1].tolist() if len(first) else []
        spans += [(served[0], number) for number in later]
    found, least = None, CHANCE
    for number, until in spans:
        new = first > number
        if until is not None:
            new &= first <= until
        count, wrong, old = int(new.sum()), int((strange & new).sum()), int((~new).sum())
        usual = max(USUAL, (strange & ~new).sum() / max(old, 1))
        if wrong < max(FEWEST, (usual + MORE) * count):
            continue
        chance = at_least(wrong, count, float(usual))
        if chance < least:
            found, least = Misplaced(number, photos[strange & new].tolist(), count, until), chance
    return found
