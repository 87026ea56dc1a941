"""What to do next so that a shop's products are recognised better, the cheapest first."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np
from django.db.models import Count, OuterRef, Subquery

from catalog.models import Product, ProductImage, Shop
from ml_training.advice.analysis import analyze_shop
from ml_training.advice.confusion import Confusion
from ml_training.advice.suspects import MODEL, OUTLIER, Suspect
from ml_training.recognizer.learning_curve import expected_gains

FEW = 5  # photos: with fewer, any more photo helps much
MAX_NEXT = 5  # products to photograph next
MAX_PAIRS = 8  # pairs that are mixed up
MAX_WANTING = 20  # products with few photos
MAX_SUSPECTS = 24  # photos that look wrong
MIN_GAIN = 0.005  # share of photos: less is no advice
SCANS = 1000


@dataclass(frozen=True)
class PhotoView:
    pk: int
    sha256: str
    filename: str


@dataclass(frozen=True)
class ProductView:
    pk: int
    sku: str
    name: str
    photos: int
    price: Decimal | None = None
    cover: PhotoView | None = None


@dataclass(frozen=True)
class Prospect:
    """A product worth photographing."""

    product: ProductView
    expected_gain: float  # share of its photos that would be right and are not now, with `MORE` more photos

    @property
    def words(self) -> str:
        of_hundred = max(1, round(100 * self.expected_gain))
        return f"about {of_hundred} more of 100 photos of {self.product.name} right"


@dataclass(frozen=True)
class MixUp:
    """Two products that are taken for each other."""

    first: ProductView  # the one more often mistaken
    second: ProductView
    shares: tuple[float, float]  # of photos of the first taken for the second, and the other way round
    loss: Decimal | None  # for 1,000 scans; None where a price is not known
    misclassified: tuple[list[PhotoView], list[PhotoView]]

    @property
    def words(self) -> str:
        """What it costs."""
        if self.loss is None:
            return "not known: a price is missing"
        return f"{self.loss:.2f}" if self.loss else "none: same price"


@dataclass(frozen=True)
class SuspectView:
    photo: PhotoView
    product: ProductView
    kind: str
    reason: str
    other: PhotoView | None = None
    other_product: ProductView | None = None

    @property
    def move_to(self) -> ProductView | None:
        """The product that the photo seems to show; None where only the picture is wrong, or on both."""
        return self.other_product if self.kind in (MODEL, OUTLIER) else None


@dataclass(frozen=True)
class Advice:
    version: int | None  # the one whose trials this is from
    is_tried: bool  # whether that version says what it takes for what
    wanting: list[ProductView] = field(default_factory=list)
    wanting_count: int = 0
    next: list[Prospect] = field(default_factory=list)
    mix_ups: list[MixUp] = field(default_factory=list)
    suspects: list[SuspectView] = field(default_factory=list)
    suspect_count: int = 0
    loss: Decimal | None = None  # expected for 1,000 scans; None where nothing is known
    unpriced: int = 0  # active products without a price
    products: int = 0  # active ones

    @property
    def is_empty(self) -> bool:
        return not (self.wanting or self.next or self.mix_ups or self.suspects)


def shop_advice(shop: Shop) -> Advice:
    """Work out the advice for a shop, in a number of queries that does not depend on its size."""
    analysis = analyze_shop(shop)
    products = _products(shop)
    wanting = sorted((p for p in products.values() if p.photos < FEW), key=lambda p: (p.photos, p.name))
    prospects = _prospects(products, analysis.confusion)
    pairs = _pairs(products, analysis.confusion)
    leading = [s for s in analysis.suspects if s.leads and s.product in products]
    shown = leading[:MAX_SUSPECTS]
    photos = _photos(pairs, shown, analysis.confusion)
    pictured = [p.pk for p in wanting[:MAX_WANTING]] + [pk for pair in pairs for pk in pair] + [*prospects]
    products |= _covers(products, pictured)
    return Advice(
        version=analysis.version,
        is_tried=bool(analysis.confusion.tried),
        wanting=[products[p.pk] for p in wanting[:MAX_WANTING]],
        wanting_count=len(wanting),
        next=[Prospect(products[pk], gain) for pk, gain in prospects.items()],
        mix_ups=[_mix_up(pair, products, analysis.confusion, photos) for pair in pairs],
        suspects=[view for s in shown if (view := _suspect_view(s, products, photos))],
        suspect_count=len(leading),
        loss=expected_loss(products, analysis.confusion),
        unpriced=sum(p.price is None for p in products.values()),
        products=len(products),
    )


def photo_counts(shop: Shop) -> dict[int, int]:
    """How many photos each active product has, by primary key."""
    return {pk: product.photos for pk, product in _products(shop).items()}


def _products(shop: Shop) -> dict[int, ProductView]:
    """The active products by primary key."""
    products = Product.objects.filter(shop=shop, is_active=True).order_by("name", "pk")
    rows = products.annotate(photos=Count("images")).values_list("pk", "sku", "name", "photos", "price")
    return {row[0]: ProductView(*row) for row in rows}


def estimate_gains(photos: dict[int, int], confusion: Confusion) -> dict[int, float]:
    """What `MORE` photos of each product would be worth, by primary key; `photos` says how many it has."""
    rows = [(count, confusion.tried.get(pk, 0), confusion.right.get(pk, 0)) for pk, count in photos.items()]
    expected = expected_gains(*np.array(rows, np.float64).reshape(-1, 3).T)
    return dict(zip(photos, expected.tolist(), strict=True))


def _prospects(products: dict[int, ProductView], confusion: Confusion) -> dict[int, float]:
    if not confusion.tried:
        return {}
    expected = estimate_gains({pk: product.photos for pk, product in products.items()}, confusion)
    ranked = sorted(expected.items(), key=lambda item: -item[1])[:MAX_NEXT]
    return {pk: round(gain, 4) for pk, gain in ranked if gain >= MIN_GAIN}


def _pairs(products: dict[int, ProductView], confusion: Confusion) -> list[tuple[int, int]]:
    """The pairs that matter most: by loss; then those without a price, then harmless ones, by frequency."""

    def weight(pair: tuple[int, int]) -> tuple:
        lost, (a, b) = pair_loss(pair, products, confusion), pair
        rank = 1 if lost is None else (0 if lost else 2)
        return rank, -(lost or 0), -confusion.share(a, b) - confusion.share(b, a), pair

    return sorted(_mixed_up(products, confusion), key=weight)[:MAX_PAIRS]


def _mixed_up(products: dict[int, ProductView], confusion: Confusion) -> set[tuple[int, int]]:
    """The pairs of active products that are ever mixed up, the lower id first."""
    return {(min(pair), max(pair)) for pair in confusion.times if {*pair} <= products.keys()}


def pair_loss(
    pair: tuple[int, int], products: dict[int, ProductView], confusion: Confusion
) -> Decimal | None:
    """What two products' mix-ups cost in 1,000 scans; None where a price is missing.

    Every active product is scanned equally often, and a mix-up costs the difference of the prices: what the
    shop loses, or the customer.
    """
    a, b = products[pair[0]].price, products[pair[1]].price
    if a is None or b is None:
        return None
    share = confusion.share(*pair) + confusion.share(*reversed(pair))
    return abs(a - b) * Decimal(SCANS * share / len(products))


def expected_loss(products: dict[int, ProductView], confusion: Confusion) -> Decimal | None:
    """What all mix-ups of products with prices cost in 1,000 scans; None where nothing is known."""
    if not confusion.tried or all(product.price is None for product in products.values()):
        return None
    losses = (pair_loss(pair, products, confusion) for pair in _mixed_up(products, confusion))
    return sum((loss or Decimal() for loss in losses), Decimal())


def _photos(
    pairs: list[tuple[int, int]], suspects: list[Suspect], confusion: Confusion
) -> dict[int, PhotoView]:
    pks = {s.photo for s in suspects} | {s.other for s in suspects if s.other}
    for a, b in pairs:
        pks |= {*confusion.photos.get((a, b), []), *confusion.photos.get((b, a), [])}
    return photo_views(pks)


def photo_views(pks: Iterable[int]) -> dict[int, PhotoView]:
    rows = ProductImage.objects.filter(pk__in=pks).order_by().values_list("pk", "sha256", "filename")
    return {row[0]: PhotoView(*row) for row in rows}


def _covers(products: dict[int, ProductView], pks: list[int]) -> dict[int, ProductView]:
    """The same products, each with its first photo."""
    first = ProductImage.objects.filter(product=OuterRef("pk")).order_by("position", "pk").values("pk")[:1]
    rows = Product.objects.filter(pk__in={*pks}).order_by().annotate(cover=Subquery(first))
    covers = dict(rows.exclude(cover=None).values_list("pk", "cover"))
    views = photo_views(covers.values())
    return {pk: replace(products[pk], cover=views.get(cover)) for pk, cover in covers.items()}


def _mix_up(pair: tuple[int, int], products: dict[int, ProductView], confusion: Confusion, photos) -> MixUp:
    a, b = sorted(pair, key=lambda pk: -confusion.share(pk, sum(pair) - pk))
    ways = ((a, b), (b, a))
    misclassified = [[photos[pk] for pk in confusion.photos.get(way, []) if pk in photos] for way in ways]
    shares = (round(confusion.share(a, b), 4), round(confusion.share(b, a), 4))
    lost = pair_loss(pair, products, confusion)
    return MixUp(products[a], products[b], shares, lost, (misclassified[0], misclassified[1]))


def _suspect_view(suspect: Suspect, products: dict[int, ProductView], photos) -> SuspectView | None:
    photo, other = photos.get(suspect.photo), photos.get(suspect.other or 0)
    if photo is None:
        return None
    other_product = products.get(suspect.other_product or 0)
    name = other_product.name if other_product else "a product that is switched off"
    reason = suspect.reason(name, other.filename if other else "another photo")
    return SuspectView(photo, products[suspect.product], suspect.kind, reason, other, other_product)
