"""Remembers which photos each version learned, for as long as the shop is there.

`LearnedPhoto` has one row for each row of versions that learned a photo alike, so a version writes down only
what is new or gone.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Subquery

from catalog.models import Product, ProductImage
from ml_training.dataset.manifest import Manifest, ManifestPhoto
from ml_training.models import LearnedPhoto, ModelVersion
from ml_training.versions.diff import FIRST, UNKNOWN, Learned, describe_changes

CHUNK = 2000  # rows in one statement


@dataclass(frozen=True)
class Span:
    """Some versions in a row."""

    first: int
    last: int


def note_learned(shop_id: int, number: int, manifest: Manifest | None) -> list | None:
    """Write down what a new version learned from.

    Args:
        number: of the new version, higher than every other of the shop.
        manifest: the photos it learned; None where nobody knows.
    Returns:
        For `ModelVersion.changes`: what it learned that the one before did not.
    Effects:      LearnedPhoto rows: new photos begin one, photos that are gone or otherwise end theirs.
    Transaction:  needs one, the version's; the caller holds the shop's row.
    Repeatable:   no.
    """
    going = LearnedPhoto.objects.filter(shop_id=shop_id, until=None)
    if manifest is None:
        going.update(until=number - 1)
        return None
    before = {
        photo: (pk, Learned(product, name, sha256))
        for pk, photo, product, name, sha256 in going.values_list(
            "pk", "photo_id", "product_id", "product_name", "sha256"
        ).iterator(chunk_size=CHUNK)
    }
    names = {product.pk: product.name for product in manifest.products}
    now = {
        photo.pk: Learned(photo.product_pk, names[photo.product_pk], photo.sha256)
        for photo in manifest.photos
    }
    ended = [pk for photo, (pk, learned) in before.items() if not _is_same(learned, now.get(photo))]
    begun = (
        _row(shop_id, number, photo, names[photo.product_pk])
        for photo in manifest.photos
        if photo.pk not in before or not _is_same(before[photo.pk][1], now[photo.pk])
    )
    _end_and_begin(ended, begun, number)
    if before:
        return describe_changes({photo: learned for photo, (_, learned) in before.items()}, now)
    is_first = not ModelVersion.objects.filter(shop_id=shop_id, number__lt=number).exists()
    return [{"kind": FIRST if is_first else UNKNOWN}]


def _end_and_begin(ended: list[int], begun: Iterable[LearnedPhoto], number: int) -> None:
    """End rows, given by primary key, before a version, and write those that begin with it."""
    for start in range(0, len(ended), CHUNK):
        LearnedPhoto.objects.filter(pk__in=ended[start : start + CHUNK]).update(until=number - 1)
    LearnedPhoto.objects.bulk_create(begun, batch_size=CHUNK)


def _is_same(before: Learned, now: Learned | None) -> bool:
    """Whether a photo teaches what it taught; a new name of its product makes no difference."""
    return now is not None and (before.product, before.sha256) == (now.product, now.sha256)


def _row(shop_id: int, number: int, photo: ManifestPhoto, product_name: str) -> LearnedPhoto:
    return LearnedPhoto(
        shop_id=shop_id,
        photo_id=photo.pk,
        product_id=photo.product_pk,
        product_name=product_name,
        filename=photo.filename,
        sha256=photo.sha256,
        since=number,
    )


def learned_by_versions(versions: Iterable[ModelVersion]) -> QuerySet[LearnedPhoto]:
    """What any of some versions of one shop learned, by product; see `with_whereabouts`."""
    numbers = [version.number for version in versions]
    rows = LearnedPhoto.objects.filter(shop__in={version.shop_id for version in versions})
    rows = rows.filter(_between(min(numbers), max(numbers)))
    return with_whereabouts(rows).order_by("product_id", "photo_id", "pk")


def learned_by(version: ModelVersion) -> QuerySet[LearnedPhoto]:
    """What one version learned, and nothing else about it."""
    return LearnedPhoto.objects.filter(_between(version.number, version.number), shop=version.shop_id)


def _between(first: int, last: int) -> Q:
    return Q(Q(until=None) | Q(until__gte=first), since__lte=last)


def with_whereabouts(rows: QuerySet[LearnedPhoto]) -> QuerySet[LearnedPhoto]:
    """Add `now_on`, the id of the product that the photo is on now, None if it was deleted or replaced; and
    `product_is_there`, whether the product that it was learned as still is."""
    photos = ProductImage.objects.filter(
        pk=OuterRef("photo_id"), sha256=OuterRef("sha256"), product__shop=OuterRef("shop_id")
    )
    products = Product.objects.filter(pk=OuterRef("product_id"), shop=OuterRef("shop_id"))
    return rows.annotate(now_on=Subquery(photos.values("product")[:1]), product_is_there=Exists(products))


def first_learned(versions: list[ModelVersion], limit: int | None) -> dict[int, list[LearnedPhoto]]:
    """The first photos that each of some versions of one shop learned, by the version's id, in one query."""
    by_version: dict[int, list[LearnedPhoto]] = {version.pk: [] for version in versions}
    wanting = list(versions)
    for row in learned_by_versions(versions).iterator(chunk_size=CHUNK):
        for version in wanting:
            if row.since <= version.number and (row.until is None or row.until >= version.number):
                by_version[version.pk].append(row)
        if limit is not None:
            wanting = [version for version in wanting if len(by_version[version.pk]) < limit]
            if not wanting:
                break
    return by_version


def spans_of(photos: Iterable[ProductImage]) -> dict[int, list[Span]]:
    """Which versions learned some photos, by the photo's id, in two queries."""
    by_photo: dict[int, list[Span]] = {photo.pk: [] for photo in photos}
    for row, last in _with_last(by_photo):
        by_photo[row.photo_id].append(Span(row.since, last))
    return {pk: _joined(spans) for pk, spans in by_photo.items()}


def taught(photos: QuerySet[ProductImage] | Iterable[int]) -> list[Span]:
    """Which versions learned any of some photos, given as rows or ids. Ask before they are deleted."""
    return _joined([Span(row.since, last) for row, last in _with_last(photos)])


def _with_last(photos: QuerySet[ProductImage] | Iterable[int]) -> list[tuple[LearnedPhoto, int]]:
    """What the shop that some photos are in learned from them, each with the number of the last version."""
    learned = LearnedPhoto.objects.filter(photo__in=photos, shop=F("photo__product__shop"))
    rows = list(learned.only("photo_id", "shop_id", "since", "until"))
    versions = ModelVersion.objects.filter(shop__in={row.shop_id for row in rows if row.until is None})
    newest = dict(versions.order_by().values_list("shop").annotate(Max("number")))
    return [(row, row.until or newest.get(row.shop_id, row.since)) for row in rows]


def _joined(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.first):
        if joined and span.first <= joined[-1].last + 1:
            joined[-1] = Span(joined[-1].first, max(joined[-1].last, span.last))
        else:
            joined.append(span)
    return joined


def in_words(spans: list[Span]) -> str:
    """Such as "version 3" or "versions 3–7 and 9"; empty for none."""
    parts = [str(span.first) if span.first == span.last else f"{span.first}–{span.last}" for span in spans]
    if not parts:
        return ""
    several = len(parts) > 1 or spans[0].first != spans[0].last
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"version{'s' if several else ''} {text}"
