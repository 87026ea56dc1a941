"""Finds out whether too many of the photos that came lately, or were moved, lie on a wrong product.

A few wrong ones in each training are no loss that two versions could be told apart by, and spoil a model all
the same in the end. So what came since each version that served lately is looked at together.
Which photos look like another product is found while training (`recognizer.outliers`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from catalog.models import Product, ProductImage
from ml_training.gate.binomial import binomial_tail
from ml_training.gate.result import GOOD, GateResult, sort_surest_first
from ml_training.gate.rules import RULES
from ml_training.models import ModelVersion
from ml_training.versions.provenance import learned_by


@dataclass(frozen=True)
class MislabelledPhotos:
    """Too many photos that look like another product, among those that are new since a version."""

    since: int  # the version's number
    photos: list[str]
    new: int  # how many photos are new since then
    until: int | None = None  # number of a later version that was held back: of those it learned


def find_mislabelled(new: ModelVersion, served: list[int]) -> GateResult:
    """Say in words that too many of the photos that came lately look like another product; GOOD if not.

    Args:
        served: numbers of versions that served lately, the one that serves first.
    """
    outliers = new.outliers
    if len(outliers) < RULES.min_mislabelled:
        return GOOD
    rows = learned_by(new).values_list("photo_id", "product_id", "since")
    known = {(str(photo), product): since for photo, product, since in rows}
    since = {
        photo: known.get((photo, product), new.number) for photo, (product, _) in new.cross_validated.items()
    }
    found = find_mislabelled_since(since, outliers, served)
    if found is None:
        return GOOD
    photos = sort_surest_first(new, map(int, found.photos))
    own, other = new.outliers[str(photos[0])]
    names = dict(Product.objects.filter(pk__in=(own, other)).values_list("pk", "name"))
    file = ProductImage.objects.filter(pk=photos[0]).values_list("filename", flat=True).first() or "one"
    when = f"since version {found.since}" if found.until is None else f"before version {found.until}"
    return GateResult(
        f"{len(photos)} of the {found.new} photos that came or were moved {when} look "
        f"more like another product than like their own, such as {file} on {names.get(own, 'a product')}, "
        f"which looks like {names.get(other, 'another one')}. Move them or delete them; if they are right, "
        f"activate version {new.number}.",
        photos,
    )


def find_mislabelled_since(
    since: Mapping[str, int], outliers: Mapping[str, object], served: list[int]
) -> MislabelledPhotos | None:
    """Find the version since which the share of misplaced photos is the least likely to be chance.

    Versions that were held back meanwhile are asked too: good photos that came after them mend nothing.

    Args:
        since: by photo the number of the version that learned it first on its product.
        outliers: the photos that look like another product, and perhaps some that are not in `since`.
        served: numbers of versions, the one that serves first.
    Returns:
        None where there are never too many.
    """
    photos = np.array(list(since))
    first = np.array(list(since.values()))
    strange = np.array([photo in outliers for photo in since], bool)
    spans = [(number, None) for number in served]
    if served:
        later = np.unique(first[first > served[0]])[:-1].tolist() if len(first) else []
        spans += [(served[0], number) for number in later]
    found, least = None, RULES.mislabelled_chance
    for number, until in spans:
        new = first > number
        if until is not None:
            new &= first <= until
        count, wrong, old = int(new.sum()), int((strange & new).sum()), int((~new).sum())
        usual = max(RULES.usual_mislabelled, (strange & ~new).sum() / max(old, 1))
        if wrong < max(RULES.min_mislabelled, (usual + RULES.min_share_mislabelled) * count):
            continue
        chance = binomial_tail(wrong, count, float(usual))
        if chance < least:
            found, least = MislabelledPhotos(number, photos[strange & new].tolist(), count, until), chance
    return found
