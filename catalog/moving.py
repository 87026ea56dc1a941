"""Moves photos to another product of the same shop: what was put on the wrong one need not be added again."""

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db import transaction

from catalog.activity.photos import record_moved
from catalog.models import Product, ProductImage

MAX_MOVED = 500  # photos at once: others cannot write meanwhile
MAX_NAMED = 3  # photos that stand in the way


class MoveRefused(Exception):
    """Raised when photos cannot be moved; nothing was. The text says why, and what to do."""


def move_photos(photos: Iterable[int], target: Product) -> list[ProductImage]:
    """Put photos, by id, at the end of another product of their shop, in the order that they have.

    Whoever calls this has seen to it that the caller may see the photos and the product.

    Returns:
        Those that were not on that product already.
    Effects:      ProductImage.product and position; the model signals, which ask for training; activity.
    Transaction:  opens one, or joins the caller's.
    Repeatable:   yes; photos that are there already stay where they are.
    Raises:
        MoveRefused: a photo cannot be moved; then none is.
    """
    wanted = set(photos)
    with transaction.atomic():
        if not Product.objects.select_for_update(no_key=True).filter(pk=target.pk).exists():
            raise MoveRefused(f"{target} is not there any more. Choose another product.")
        rows = ProductImage.objects.select_for_update(of=("self",)).select_related("product")
        found = list(rows.filter(pk__in=wanted).order_by("pk"))
        moving = [photo for photo in found if photo.product_id != target.pk]
        check_move(moving, target)
        if len(found) < len(wanted):
            raise MoveRefused("A photo is not there any more. Reload the page, and move the others.")
        moving.sort(key=lambda photo: (photo.product.name, photo.product_id, photo.position, photo.pk))
        sources = [photo.product for photo in moving]
        last = target.images.order_by("-position").values_list("position", flat=True).first()
        for position, photo in enumerate(moving, start=0 if last is None else last + 1):
            photo.product, photo.position = target, position
            _save(photo)
        record_moved(moving, sources, target)
    return moving


def check_move(photos: list[ProductImage], target: Product) -> None:
    """Say why photos of other products cannot go to a product.

    Raises:
        MoveRefused: they are too many, of another shop, or the product has one of them already.
    """
    if len(photos) > MAX_MOVED:
        raise MoveRefused(f"At most {MAX_MOVED} photos are moved at once, not {len(photos)}. Mark fewer.")
    if any(photo.product.shop_id != target.shop_id for photo in photos):
        raise MoveRefused(f"{target} is in another shop. Photos are moved within one shop only.")
    there = {photo.sha256 for photo in photos}
    seen = set(target.images.filter(sha256__in=there).values_list("sha256", flat=True))
    twice = []
    for photo in photos:
        if photo.sha256 in seen:
            twice.append(photo)
        seen.add(photo.sha256)
    if twice:
        raise MoveRefused(_has_already(target, twice))


def _has_already(target: Product, photos: list[ProductImage]) -> str:
    names = ", ".join(photo.filename for photo in photos[:MAX_NAMED])
    if len(photos) > MAX_NAMED:
        names += f" and {len(photos) - MAX_NAMED} more"
    these, it = ("this photo", "it") if len(photos) == 1 else ("these photos", "them")
    return f"{names}: {target} already has {these}. Delete {it} here instead of moving {it}."


def _save(photo: ProductImage) -> None:
    try:
        photo.save(update_fields=["product", "position"])
    except ValidationError as error:  # somebody added the same photo to the product at this very moment
        raise MoveRefused(_has_already(photo.product, [photo])) from error
