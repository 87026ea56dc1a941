"""The manifest of a shop as a stream of lines, in bounded memory however many photos there are.

A product with very many photos has several lines, one after another.
"""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from itertools import groupby

from asgiref.sync import sync_to_async
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from catalog.models import ProductImage, Shop
from ml_training.dataset.ndjson import FORMAT, as_line
from ml_training.models import ShopTraining

AT_ONCE = 1000  # photos read and sent in one step


def manifest_chunks(shop: Shop) -> Iterator[bytes]:
    """Read a shop's manifest in steps: a header, then lines of products with their photos.

    The header's `version` counts every change of the shop's photos, and the last line tells it as it then is:
    if it is another, photos changed meanwhile, and the reader asks again.
    """
    photos = ProductImage.objects.filter(product__shop=shop)
    header = {
        "format": FORMAT,
        "shop": shop.pk,
        "version": _version(shop),
        "extracted_at": timezone.now().isoformat(),
        "products": photos.order_by().values("product_id").distinct().count(),
        "photos": photos.count(),
    }
    yield as_line(header)
    after = None
    while rows := _next_rows(shop, after):
        yield b"".join(_product_line(list(group)) for _, group in groupby(rows, key=lambda row: row[0]))
        after = rows[-1][:3]
    yield as_line({"end": True, "version": _version(shop)})


def _version(shop: Shop) -> int:
    return ShopTraining.objects.filter(shop=shop).values_list("wanted", flat=True).first() or 0


def _next_rows(shop: Shop, after: tuple | None) -> list[tuple]:
    """The photos after one, in the order of `read_manifest`; no cursor is held while a slow reader reads."""
    photos = ProductImage.objects.filter(product__shop=shop)
    if after is not None:
        product, position, pk = after
        here = Q(position__gt=position) | Q(position=position, pk__gt=pk)
        photos = photos.filter(
            Q(product_id__gt=product) | Q(here, product_id=product), product_id__gte=product
        )
    columns = ("product_id", "position", "pk", "product__sku", "product__name", "filename", "sha256")
    return list(photos.order_by("product_id", "position", "pk").values_list(*columns)[:AT_ONCE])


def _product_line(rows: list[tuple]) -> bytes:
    product_pk, _, _, sku, name, *_ = rows[0]
    images = [
        {"id": pk, "url": reverse("photo", args=[pk, sha256]), "filename": filename, "sha256": sha256}
        for _, _, pk, _, _, filename, sha256 in rows
    ]
    return as_line({"id": product_pk, "sku": sku, "name": name, "images": images})


async def in_steps(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Under ASGI Django would collect a plain iterator whole before it sends anything."""
    read_next = sync_to_async(partial(next, chunks, None))
    while (chunk := await read_next()) is not None:
        yield chunk
