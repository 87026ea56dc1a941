"""Listens to the catalogue and asks for training when what the recogniser learns from has changed."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Model, QuerySet
from django.db.models.signals import ModelSignal, post_delete, post_save, pre_delete, pre_save

from catalog.activity.rows import Activity
from catalog.activity.watch import Tracked, track
from catalog.models import Product, ProductImage, Shop
from catalog.signals import photos_added_in_form
from ml_training.models import ShopTraining
from ml_training.runs.queue import Change, request_training
from ml_training.versions import files as version_files
from ml_training.web.upload_warnings import warn_of_mislabelled_uploads

BEFORE = "_ml_training_before"


def connect() -> None:
    receivers: list[tuple[ModelSignal, Callable[..., None], type[Model]]] = [
        (pre_save, remember_photo, ProductImage),
        (post_save, photo_saved, ProductImage),
        (post_delete, photo_deleted, ProductImage),
        (pre_save, remember_product, Product),
        (post_save, product_saved, Product),
        (pre_delete, remember_photos, Product),
        (post_delete, product_deleted, Product),
        (post_delete, shop_deleted, Shop),
    ]
    for signal, receiver, sender in receivers:
        signal.connect(receiver, sender=sender, dispatch_uid=f"ml_training.{receiver.__name__}")
    photos_added_in_form.connect(
        warn_of_mislabelled_uploads, dispatch_uid="ml_training.warn_of_mislabelled_uploads"
    )
    chosen = ("names_wrong_choice", "foreign_shown_choice", "deep_hours")
    track(ShopTraining, Tracked(Activity.Kind.MODEL, "", chosen, lambda row: row.shop, is_made=False))


def remember_photo(instance, raw, **kwargs):
    rows = ProductImage.objects.filter(pk=instance.pk).values("product_id", "product__shop_id", "sha256")
    _remember(instance, rows.first() if instance.pk and not raw else None)


def photo_saved(instance, raw, **kwargs):
    if raw:
        return
    before, product = _recall(instance), instance.product
    if before is None:
        request_training(product.shop_id, Change("photo_added", product.name))
    elif before["product_id"] != product.pk:
        request_training(product.shop_id, Change("photo_moved", product.name))
        if before["product__shop_id"] != product.shop_id:
            request_training(before["product__shop_id"], Change("photo_moved", product.name))
    elif before["sha256"] != instance.sha256:
        request_training(product.shop_id, Change("photo_replaced", product.name))


def photo_deleted(instance, origin=None, **kwargs):
    if _comes_from(origin, ProductImage):
        request_training(instance.product.shop_id, Change("photo_removed", instance.product.name))


def remember_product(instance, raw, **kwargs):
    rows = Product.objects.filter(pk=instance.pk, images__isnull=False).values("shop_id", "is_active")
    _remember(instance, rows.first() if instance.pk and not raw else None)


def product_saved(instance, raw, **kwargs):
    before = None if raw else _recall(instance)
    if before is None:  # new, or without photos: nothing to learn from yet
        return
    if before["shop_id"] != instance.shop_id:
        request_training(before["shop_id"], Change("product_moved", instance.name))
        request_training(instance.shop_id, Change("product_moved", instance.name))
    elif before["is_active"] != instance.is_active:
        kind = "product_switched_on" if instance.is_active else "product_switched_off"
        request_training(instance.shop_id, Change(kind, instance.name))


def remember_photos(instance, origin=None, **kwargs):
    has_photos = _comes_from(origin, Product) and instance.images.exists()
    _remember(instance, {"shop_id": instance.shop_id} if has_photos else None)


def product_deleted(instance, **kwargs):
    if _recall(instance):
        request_training(instance.shop_id, Change("product_deleted", instance.name))


def shop_deleted(instance, **kwargs):
    version_files.remove_shop_on_commit(instance.pk)


def _remember(instance: Model, row: Mapping[str, Any] | None) -> None:
    """Keep what a row was before it is saved or deleted, for the signal that follows: the catalogue's classes
    know nothing of training."""
    vars(instance)[BEFORE] = row


def _recall(instance: Model) -> Mapping[str, Any] | None:
    """What was remembered; None for a row that was new or had nothing to learn from."""
    return vars(instance)[BEFORE]


def _comes_from(origin, model) -> bool:
    """Whether a deletion began at this model: photos that go with their product are one change, and when the
    whole shop goes there is nothing left to train."""
    return (
        origin is None
        or isinstance(origin, model)
        or (isinstance(origin, QuerySet) and origin.model is model)
    )
