"""Forms whose photos, or whose product, somebody else took away meanwhile: nothing that was typed is lost."""

import re
from collections.abc import Iterable

from django.db import transaction
from django.http import QueryDict

from catalog.models import Product, ProductImage


def without_gone(data: QueryDict, prefix: str, product: Product) -> tuple[QueryDict, int]:
    """A form's photos without those that the product has no more, and how many these are.

    Rows of the others are locked where a transaction is open: nobody takes them away before they are saved.
    """
    count = data.get(f"{prefix}-INITIAL_FORMS", "")
    if not (count.isascii() and count.isdecimal() and len(count) < 6):
        return data, 0  # the formset will say it
    rows = [(n, data.get(f"{prefix}-{n}-id", "")) for n in range(int(count))]
    own = {str(pk) for pk in _own_photos(product, [pk for _, pk in rows])}
    kept = [n for n, pk in rows if pk in own or not pk.isdecimal()]
    if len(kept) == len(rows):
        return data, 0
    return _renumbered(data, prefix, kept), len(rows) - len(kept)


def as_new(data: QueryDict, prefix: str) -> QueryDict:
    """The same data for a form that adds a product: it has no photos yet."""
    return _renumbered(data, prefix, [])


def _own_photos(product: Product, pks: Iterable[str]) -> Iterable[int]:
    numbers = [int(pk) for pk in pks if pk.isascii() and pk.isdecimal() and len(pk) < 19]
    photos = ProductImage.objects.filter(product=product, pk__in=numbers)
    if transaction.get_connection().in_atomic_block:
        photos = photos.select_for_update()
    return photos.order_by("pk").values_list("pk", flat=True)


def _renumbered(data: QueryDict, prefix: str, kept: list[int]) -> QueryDict:
    """The same data with the forms of these numbers alone, counted from 0."""
    places, result = {str(old): new for new, old in enumerate(kept)}, data.copy()
    of_photo = re.compile(rf"((?:initial-)?{re.escape(prefix)}-)(\d+)(-.*)", re.DOTALL)
    moved = {key: found for key in data if (found := of_photo.fullmatch(key))}
    for key in moved:
        del result[key]
    for key, found in moved.items():
        if found[2] in places:
            result.setlist(f"{found[1]}{places[found[2]]}{found[3]}", data.getlist(key))
    for name in ("INITIAL_FORMS", "TOTAL_FORMS"):
        result[f"{prefix}-{name}"] = str(len(kept))
    return result
