"""Records photos that are added, moved and deleted. Those of one form, or of one move, are one row."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db.models.signals import post_delete, post_save

from catalog.activity.actor import current_actor
from catalog.activity.rows import Activity, record, some
from catalog.formatting import counted
from catalog.models import Product, ProductImage

# What a row tells but for the photos' names: a verb, to or from where, and the product whose shop it is in.
_Key = tuple[str, str, Product]
_collected: ContextVar[dict[_Key, list[str]] | None] = ContextVar("collected_photos", default=None)


@contextmanager
def photos_together() -> Iterator[None]:
    """Write one row for all photos of a product that are added or deleted in here, when it ends well.

    Transaction:  needs one, so that the row is there exactly if the changes are.
    Repeatable:   within another one, that one writes; what ends badly in here is not told.
    """
    outer, own = _collected.get(), dict[_Key, list[str]]()
    token = _collected.set(own)
    try:
        yield
    finally:
        _collected.reset(token)
    for key, names in own.items():
        if outer is None:
            _write(key, names)
        else:
            outer.setdefault(key, []).extend(names)


def _tell(key: _Key, names: list[str]) -> None:
    collected = _collected.get()
    if collected is None:
        _write(key, names)
    else:
        collected.setdefault(key, []).extend(names)


def _write(key: _Key, names: list[str]) -> None:
    verb, where, product = key
    if len(names) == 1:
        text = f"{verb} the photo {names[0]} {where}"
    else:
        text = f"{verb} {counted(len(names), 'photo')} {where}: {some(names)}"
    record(Activity.Kind.PHOTO, text, product.shop)


def record_moved(photos: list[ProductImage], sources: list[Product], target: Product) -> None:
    """Tell of photos that are on another product now.

    Args:
        sources: the product that each photo was on.
    """
    if not current_actor():
        return
    moved: dict[Product, list[str]] = {}
    for photo, source in zip(photos, sources, strict=True):
        moved.setdefault(source, []).append(str(photo))
    for source, names in moved.items():
        _tell(("moved", f"from {source} to {target}", target), names)


def record_reordered(product: Product) -> None:
    """Tell that somebody put the photos of a product into another order."""
    record(Activity.Kind.PHOTO, f"changed the order of the photos of {product}", product.shop)


def record_added(instance: ProductImage, created: bool, raw=False, **kwargs):
    if created and not raw and current_actor():
        _tell(("added", f"to {instance.product}", instance.product), [str(instance)])


def record_deleted(instance: ProductImage, origin=None, **kwargs):
    """Photos that go with their product are named by its row."""
    is_asked_for = isinstance(origin, ProductImage) or getattr(origin, "model", None) is ProductImage
    if is_asked_for and current_actor():
        _tell(("deleted", f"of {instance.product}", instance.product), [str(instance)])


def connect() -> None:
    """Listen to photos, wherever they are saved and deleted."""
    uid = "catalog.activity.photos"
    post_save.connect(record_added, sender=ProductImage, dispatch_uid=f"{uid}.added")
    post_delete.connect(record_deleted, sender=ProductImage, dispatch_uid=f"{uid}.deleted")
