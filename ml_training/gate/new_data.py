"""What the gate cannot compare photo by photo: photos and products that an earlier version knew differently.

New photos of a product may be on the wrong one: `evidence` asked the active version, and an earlier one.
A new product that takes another's photos away may be the same one twice. Many copies of one photo are
nobody's purpose.
"""

from collections import Counter
from dataclasses import dataclass

from catalog.models import Product
from ml_training.gate.binomial import binomial_tail
from ml_training.gate.result import GOOD, GateResult, sort_surest_first
from ml_training.gate.rules import RULES
from ml_training.models import ModelVersion


def find_contradicted(new: ModelVersion, served: list[int]) -> GateResult:
    """Say in words which new photos look as if they were on the wrong product; GOOD if none do.

    Where many products got new photos, some look so by chance: then it takes more than one.

    Args:
        served: numbers of versions that served lately, the one that serves first.
    """
    asked = (new.evidence or {}).get("asked", {})
    for number in served:
        answers = asked.get(str(number))
        if answers and any(
            _is_too_many(len(answers[w]), answers["tried"], rate)
            for w, rate in RULES.contradicted_by_chance.items()
        ):
            return _doubtful(new, answers, None if number == served[0] else number)
    return GOOD


def _is_too_many(found: int, tried: int, by_chance: float) -> bool:
    return found > 0 and binomial_tail(found, tried, by_chance) <= RULES.contradiction_chance


def _doubtful(new: ModelVersion, answers: dict, since: int | None) -> GateResult:
    """The sentence; `since` is the number of the version that was asked, if it does not serve any more."""
    products = answers["products"]
    pk = max(products, key=lambda pk: (pk in answers["sure"], len(products[pk][1])))
    other, photos = products[pk]
    names = _names(int(pk), other)
    others = "1 other product" if len(products) == 2 else f"{len(products) - 1} other products"
    more = f" New photos of {others} look like a wrong one, too." if len(products) > 1 else ""
    came = f"are new on {names[0]}" if since is None else f"came to {names[0]} since version {since}"
    whom = "it" if since is None else "that version"
    return GateResult(
        f"the {len(photos)} photos that {came} look like {names[1]} to {whom}.{more} If they are "
        f"right, activate version {new.number}; if not, move them to {names[1]} or delete them.",
        list(dict.fromkeys([*photos, *(photo for _, own in products.values() for photo in own)])),
    )


def find_takeovers(active: ModelVersion, new: ModelVersion, known: set[int], off: set[int]) -> GateResult:
    """Say in words which product, new or with new photos, takes at least half of another's photos away.

    Of many products with new photos some do by chance: then it takes more than one.

    Args:
        known: the products that the active version has learned.
        off: products that are switched off: nobody misses their photos.
    Returns:
        GOOD if none does.
    """
    pairs, came = _list_takeovers(active, new, off)
    for pair in pairs:
        if pair.other not in known:
            owner, other = _names(pair.product, pair.other)
            return GateResult(
                f"{other}, which is new, takes away {pair.taken} of the {pair.right} photos of {owner} that "
                f"were right. If the two are one product, delete one of them; if both are on the shelf, "
                f"activate version {new.number}.",
                sort_surest_first(new, came.get(pair.other, [])),
            )
    grown = {pk for pk, photos in came.items() if pk in known and len(photos) >= RULES.min_new_photos}
    pairs = [pair for pair in pairs if pair.other in grown]
    takers = {pair.other for pair in pairs}
    if not pairs or not _is_beyond_chance(len(takers), len(grown)):
        return GOOD
    pair = pairs[0]
    owner, other = _names(pair.product, pair.other)
    return GateResult(
        f"{other}, which has {len(came[pair.other])} new photos, takes away {pair.taken} of the {pair.right} "
        f"photos of {owner} that were right. If the new ones show {owner}, move them there; if they "
        f"are right, activate version {new.number}.",
        sort_surest_first(new, came[pair.other]),
    )


@dataclass(frozen=True)
class _Takeover:
    """A product whose photos another one takes away."""

    product: int
    other: int
    taken: int  # photos
    right: int  # photos of the product that were right before


def _list_takeovers(
    active: ModelVersion, new: ModelVersion, off: set[int]
) -> tuple[list[_Takeover], dict[int, list[int]]]:
    """The takeovers, the largest first, and by product the photos that are new on it."""
    right: Counter[int] = Counter()  # photos by product
    taken: Counter[tuple[int, int]] = Counter()  # photos by their product and the one that takes them
    came: dict[int, list[int]] = {}
    for photo, (product, after) in new.cross_validated.items():
        before = active.cross_validated.get(photo, [None])
        if before[0] != product:
            came.setdefault(product, []).append(int(photo))
        elif before[1] == product and product not in off:
            right[product] += 1
            taken[product, after] += 1
    pairs = [
        _Takeover(product, other, count, right[product])
        for (product, other), count in taken.most_common()
        if product != other and count >= max(RULES.min_taken, RULES.min_share_taken * right[product])
    ]
    return pairs, came


def _is_beyond_chance(takers: int, grown: int) -> bool:
    """Whether so many of the products with new photos take others' away that chance does not explain it."""
    return binomial_tail(takers, grown, RULES.takeover_by_chance) <= RULES.contradiction_chance


def find_copied(active: ModelVersion, new: ModelVersion) -> GateResult:
    """Say in words on which product most photos have become copies of one another; GOOD if on none."""
    before = _copies(active)
    for product, copies in _copies(new).items():
        photos = sum(label == product for label, _ in new.cross_validated.values()) + len(copies)
        if len(copies) - len(before.get(product, ())) >= max(
            RULES.min_copies, RULES.min_share_copies * photos
        ):
            return GateResult(
                f"{len(copies):,} photos of {_names(product)[0]} are copies of others there and teach "
                f"nothing new. Delete them, or activate version {new.number}.",
                sorted(copies, reverse=True),
            )
    return GOOD


def _copies(version: ModelVersion) -> dict[int, list[int]]:
    """By product the photos that are copies of others of it, as `evidence` noted them."""
    return {int(product): copies for product, copies in (version.evidence or {}).get("copies", {}).items()}


def _names(*products: int) -> list[str]:
    names = dict(Product.objects.filter(pk__in=products).values_list("pk", "name"))
    return [names.get(pk, "another product") for pk in products]
