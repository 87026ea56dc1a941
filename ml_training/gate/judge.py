"""Keeps a new version from serving if it is worse than the one that serves, or than the best one lately.

Both were judged on photos that they had not seen (`recognizer.cross_validation`); the photos that both
judged, and that show the same product to both, are compared one by one. Many small losses, each of them
chance, would add up: so an earlier version is asked too.
"""

import re
from collections import Counter
from dataclasses import dataclass

from catalog.formatting import percent
from catalog.models import Product, ProductImage
from ml_training.gate.baselines import find_best_baseline, list_baseline_numbers
from ml_training.gate.binomial import binomial_tail
from ml_training.gate.mislabelled import find_mislabelled
from ml_training.gate.new_data import find_contradicted, find_copied, find_takeovers
from ml_training.gate.result import GOOD, GateResult, combine, sort_surest_first
from ml_training.gate.rules import RULES
from ml_training.models import ModelVersion
from ml_training.versions.provenance import learned_by

GOES_ON = re.compile(r"^Version (\d+) goes on serving: ")
MAX_NAMED = 3  # photos named in the sentence


@dataclass(frozen=True)
class Change:
    """One photo that both versions judged."""

    photo: str
    product: int
    before: int  # the product that the earlier version answered
    after: int

    @property
    def step(self) -> int:
        """-1 for an answer lost, 1 for one won, 0 for no change."""
        return (self.after == self.product) - (self.before == self.product)


def find_regressions(active: ModelVersion | None, new: ModelVersion) -> str:
    """Say in a sentence for staff in what a new version is worse than the active one; empty if it is not."""
    return judge(active, new).why if active else ""


def find_photos_to_check(active: ModelVersion, new: ModelVersion) -> list[int]:
    """The photos of which a version's sentence names the first, by id, the surest first."""
    return judge(active, new).photos if GOES_ON.match(new.held_back) else []


def judge(active: ModelVersion, new: ModelVersion) -> GateResult:
    """Compare a new version with the active one; GOOD if it is not worse.

    Photos and products that the catalogue lost are not compared, nor are photos that the new version takes
    for a product that the active one could not know. For what cannot be compared see `new_data`.
    """
    off = set(Product.objects.filter(shop=active.shop_id, is_active=False).values_list("pk", flat=True))
    known, numbers = find_known_products(active), list_baseline_numbers(active)
    found = combine(
        _compare(active, known, new, off) or _compare_with_best(active, new, off),
        find_contradicted(new, numbers) or find_takeovers(active, new, known, off),
        find_copied(active, new),
        find_mislabelled(new, numbers),
    )
    return (
        GateResult(f"Version {active.number} goes on serving: {found.why}", found.photos) if found else GOOD
    )


def _compare_with_best(active: ModelVersion, new: ModelVersion, off: set[int]) -> GateResult:
    best = find_best_baseline(active)
    if best is None:
        return GOOD
    found = _compare(best, find_known_products(best), new, off)
    if not found:
        return GOOD
    return GateResult(f"little by little since version {best.number}, {found.why}", found.photos)


def find_known_products(version: ModelVersion) -> set[int]:
    """The products that a version can answer, those of one photo, by which it was not judged, among them."""
    learned = learned_by(version).values_list("product", flat=True).distinct() if version.pk else ()
    return {product for pair in version.cross_validated.values() for product in pair}.union(learned)


def _compare(earlier: ModelVersion, known: set[int], new: ModelVersion, off: set[int]) -> GateResult:
    """Compare what both answered for the same photos, but those of products that are switched off.

    Args:
        known: the products that the earlier version can answer.
    """
    changes = [
        change for change in list_changes(earlier, new) if change.product not in off and change.after in known
    ]
    lost = list_lost(changes)
    return _mixed_up(earlier, new, changes, lost) if lost else GOOD


def list_lost(changes: list[Change]) -> list[Change]:
    """The answers whose loss holds a version back; none if it is not worse."""
    products = {change.product for change in changes}
    worse = [
        pk
        for pk in products
        if _is_loss([c for c in changes if c.product == pk], RULES.min_share_lost_of_product)
    ]
    if not worse and not _is_loss(changes, RULES.min_share_lost):
        return []
    return [c for c in changes if c.step < 0 and (not worse or c.product in worse)]


def list_changes(earlier: ModelVersion, new: ModelVersion) -> list[Change]:
    """What became of the photos that both judged, and that showed the same product to both.

    Photos as they are say more than these moved away as photos from elsewhere are: those are moved the
    farther, the more places a product's photos come from.
    """
    as_they_are = all("mistaken" in (version.evidence or {}) for version in (earlier, new))
    before, after = (_answers(version, as_they_are) for version in (earlier, new))
    return [
        Change(photo, product, before[photo][1], answer)
        for photo, (product, answer) in after.items()
        if photo in before and before[photo][0] == product
    ]


def _answers(version: ModelVersion, as_they_are: bool) -> dict[str, list[int]]:
    """By photo its product and the one answered without it."""
    if not as_they_are:
        return version.cross_validated
    misclassified = version.evidence["mistaken"]
    return {
        photo: misclassified.get(photo, [product, product])
        for photo, (product, _) in version.cross_validated.items()
    }


def _is_loss(changes: list[Change], least: float) -> bool:
    """Whether more answers were lost than chance explains: a one-sided sign test.

    Args:
        least: the share of the photos compared that must be lost on balance.
    """
    lost, won = sum(c.step < 0 for c in changes), sum(c.step > 0 for c in changes)
    if lost - won < max(RULES.min_lost, least * len(changes)):
        return False
    return binomial_tail(lost, lost + won, 0.5) < RULES.loss_chance


def _mixed_up(
    active: ModelVersion, new: ModelVersion, changes: list[Change], lost: list[Change]
) -> GateResult:
    times = Counter((c.product, c.after) for c in lost)
    pair = min(times, key=lambda pair: (-times[pair], pair))  # the same one whenever it is asked
    names = dict(Product.objects.filter(pk__in=pair).values_list("pk", "name"))
    shares = [
        sum(getattr(c, when) == c.product for c in changes) / len(changes) for when in ("before", "after")
    ]
    fresh = _fresh(active, new, pair)
    return GateResult(
        f"version {new.number} mixes up {names.get(pair[0], 'a product')} and "
        f"{names.get(pair[1], 'another')}. Of {len(changes)} photos that both were tried on as they are, "
        f"{percent(shares[0])} were right before and {percent(shares[1])} are now."
        f"{_choose_photos_to_check(fresh)}",
        fresh,
    )


def _fresh(active: ModelVersion, new: ModelVersion, products: tuple[int, int]) -> list[int]:
    """The photos of these products that the active version did not learn, or not so, the surest first."""
    fresh = [
        int(photo)
        for photo, (product, _) in new.cross_validated.items()
        if product in products and active.cross_validated.get(photo, [None])[0] != product
    ]
    return sort_surest_first(new, fresh)


def _choose_photos_to_check(fresh: list[int]) -> str:
    if not fresh:
        return " Look at the photos that were removed or moved since."
    by_photo = dict(ProductImage.objects.filter(pk__in=fresh).values_list("pk", "filename"))
    names = [by_photo[photo] for photo in fresh if photo in by_photo]
    more = f" and {len(fresh) - MAX_NAMED} more" if len(fresh) > MAX_NAMED else ""
    return f" Look at what was added or moved there since: {', '.join(names[:MAX_NAMED])}{more}."


def why_held_back(version: ModelVersion) -> str:
    """The reason alone: which version went on serving then says nothing about what serves now."""
    reason = GOES_ON.sub("", version.held_back)
    return reason[:1].upper() + reason[1:]


def was_held_back_for(version: ModelVersion, active: ModelVersion) -> bool:
    """Whether a version was held back, and what it was compared with, if anything, is what serves now."""
    compared = GOES_ON.match(version.held_back)
    return bool(version.held_back) and (compared is None or int(compared[1]) == active.number)
