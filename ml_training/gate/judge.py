"""Keeps a new version from serving if it is worse than the one that serves, or than the best one lately.

Both were judged on photos that they had not seen (`recognizer.cross_validation`); the photos that both
judged, and that show the same product to both, are compared one by one. Many small losses, each of them
chance, would add up: so an earlier version is asked too.
"""

import re
from collections import Counter
from dataclasses import dataclass

from catalog.models import Product, ProductImage
from ml_training.gate.baselines import best_lately, numbers_lately
from ml_training.gate.binomial import at_least
from ml_training.gate.mislabelled import what_is_misplaced
from ml_training.gate.new_data import what_is_copied, what_is_doubtful, what_is_taken_over
from ml_training.gate.result import GOOD, Verdict, surest_first, together
from ml_training.models import ModelVersion
from ml_training.versions.provenance import learned_by

CHANCE = 0.001  # of taking noise for a loss
LEAST_LOST = 3  # photos
LEAST_SHARE, LEAST_SHARE_OF_PRODUCT = 0.01, 0.2  # of the photos compared
GOES_ON = re.compile(r"^Version (\d+) goes on serving: ")
MOST_NAMED = 3  # photos named in the sentence


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


def what_got_worse(active: ModelVersion | None, new: ModelVersion) -> str:
    """Say in a sentence for staff in what a new version is worse than the active one; empty if it is not."""
    return judge(active, new).why if active else ""


def photos_to_blame(active: ModelVersion, new: ModelVersion) -> list[int]:
    """The photos of which a version's sentence names the first, by id, the surest first."""
    return judge(active, new).photos if GOES_ON.match(new.held_back) else []


def judge(active: ModelVersion, new: ModelVersion) -> Verdict:
    """Compare a new version with the active one; GOOD if it is not worse.

    Photos and products that the catalogue lost are not compared, nor are photos that the new version takes
    for a product that the active one could not know. For what cannot be compared see `newcomers`.
    """
    off = set(Product.objects.filter(shop=active.shop_id, is_active=False).values_list("pk", flat=True))
    known, numbers = known_to(active), numbers_lately(active)
    found = together(
        _compare(active, known, new, off) or _compare_with_best(active, new, off),
        what_is_doubtful(new, numbers) or what_is_taken_over(active, new, known, off),
        what_is_copied(active, new),
        what_is_misplaced(new, numbers),
    )
    return Verdict(f"Version {active.number} goes on serving: {found.why}", found.photos) if found else GOOD


def _compare_with_best(active: ModelVersion, new: ModelVersion, off: set[int]) -> Verdict:
    best = best_lately(active)
    found = _compare(best, known_to(best), new, off) if best else GOOD
    if not found:
        return GOOD
    return Verdict(f"little by little since version {best.number}, {found.why}", found.photos)


def known_to(version: ModelVersion) -> set[int]:
    """The products that a version can answer, those of one photo, by which it was not judged, among them."""
    learned = learned_by(version).values_list("product", flat=True).distinct() if version.pk else ()
    return {product for pair in version.judged.values() for product in pair}.union(learned)


def _compare(earlier: ModelVersion, known: set[int], new: ModelVersion, off: set[int]) -> Verdict:
    """Compare what both answered for the same photos, but those of products that are switched off.

    Args:
        known: the products that the earlier version can answer.
    """
    changes = [
        change for change in _changes(earlier, new) if change.product not in off and change.after in known
    ]
    lost = _lost(changes)
    return _mixed_up(earlier, new, changes, lost) if lost else GOOD


def is_worse(earlier: ModelVersion, new: ModelVersion) -> bool:
    """Whether the photos that both judged speak against the new version; for a benchmark."""
    known = {product for product, _ in earlier.judged.values()}
    return bool(_lost([change for change in _changes(earlier, new) if change.after in known]))


def _lost(changes: list[Change]) -> list[Change]:
    """The answers whose loss holds a version back; none if it is not worse."""
    products = {change.product for change in changes}
    worse = [
        pk for pk in products if _is_loss([c for c in changes if c.product == pk], LEAST_SHARE_OF_PRODUCT)
    ]
    if not worse and not _is_loss(changes, LEAST_SHARE):
        return []
    return [c for c in changes if c.step < 0 and (not worse or c.product in worse)]


def _changes(earlier: ModelVersion, new: ModelVersion) -> list[Change]:
    """What became of the photos that both judged, and that showed the same product to both.

    Photos as they are say more than these moved away as photos from elsewhere are: those are moved the
    farther, the more places a product's photos come from.
    """
    as_they_are = all("mistaken" in (version.doubts or {}) for version in (earlier, new))
    before, after = (_answers(version, as_they_are) for version in (earlier, new))
    return [
        Change(photo, product, before[photo][1], answer)
        for photo, (product, answer) in after.items()
        if photo in before and before[photo][0] == product
    ]


def _answers(version: ModelVersion, as_they_are: bool) -> dict[str, list[int]]:
    """By photo its product and the one answered without it."""
    if not as_they_are:
        return version.judged
    mistaken = version.doubts["mistaken"]
    return {photo: mistaken.get(photo, [product, product]) for photo, (product, _) in version.judged.items()}


def _is_loss(changes: list[Change], least: float) -> bool:
    """Whether more answers were lost than chance explains: a one-sided sign test.

    Args:
        least: the share of the photos compared that must be lost on balance.
    """
    lost, won = sum(c.step < 0 for c in changes), sum(c.step > 0 for c in changes)
    if lost - won < max(LEAST_LOST, least * len(changes)):
        return False
    return at_least(lost, lost + won, 0.5) < CHANCE


def _mixed_up(active: ModelVersion, new: ModelVersion, changes: list[Change], lost: list[Change]) -> Verdict:
    times = Counter((c.product, c.after) for c in lost)
    pair = min(times, key=lambda pair: (-times[pair], pair))  # the same one whenever it is asked
    names = dict(Product.objects.filter(pk__in=pair).values_list("pk", "name"))
    shares = [
        sum(getattr(c, when) == c.product for c in changes) / len(changes) for when in ("before", "after")
    ]
    fresh = _fresh(active, new, pair)
    return Verdict(
        f"version {new.number} mixes up {names.get(pair[0], 'a product')} and "
        f"{names.get(pair[1], 'another')}. Of {len(changes)} photos that both were tried on as they are, "
        f"{shares[0]:.0%} were right before and {shares[1]:.0%} are now.{_whom_to_blame(fresh)}",
        fresh,
    )


def _fresh(active: ModelVersion, new: ModelVersion, products: tuple[int, int]) -> list[int]:
    """The photos of these products that the active version did not learn, or not so, the surest first."""
    fresh = [
        int(photo)
        for photo, (product, _) in new.judged.items()
        if product in products and active.judged.get(photo, [None])[0] != product
    ]
    return surest_first(new, fresh)


def _whom_to_blame(fresh: list[int]) -> str:
    if not fresh:
        return " Look at the photos that were removed or moved since."
    by_photo = dict(ProductImage.objects.filter(pk__in=fresh).values_list("pk", "filename"))
    names = [by_photo[photo] for photo in fresh if photo in by_photo]
    more = f" and {len(fresh) - MOST_NAMED} more" if len(fresh) > MOST_NAMED else ""
    return f" Look at what was added or moved there since: {', '.join(names[:MOST_NAMED])}{more}."


def why_held_back(version: ModelVersion) -> str:
    """The reason alone: which version went on serving then says nothing about what serves now."""
    reason = GOES_ON.sub("", version.held_back)
    return reason[:1].upper() + reason[1:]


def was_held_back_for(version: ModelVersion, active: ModelVersion) -> bool:
    """Whether a version was held back, and what it was compared with, if anything, is what serves now."""
    compared = GOES_ON.match(version.held_back)
    return bool(version.held_back) and (compared is None or int(compared[1]) == active.number)
