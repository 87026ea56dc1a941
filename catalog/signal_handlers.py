"""Removes a photo's file once its row is gone for good.

Files go only after the transaction has committed: a rollback keeps them.
"""

from functools import partial

from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_save

from catalog.models import ProductImage
from catalog.photos.thumbnails import drop_thumbnail


def connect():
    pre_save.connect(remember_replaced_file, sender=ProductImage, dispatch_uid="catalog.remember_replaced")
    post_save.connect(remove_replaced_file, sender=ProductImage, dispatch_uid="catalog.remove_replaced")
    post_delete.connect(remove_deleted_file, sender=ProductImage, dispatch_uid="catalog.remove_deleted")


def remember_replaced_file(instance, raw, **kwargs):
    if raw or not instance.pk or instance.image._committed:
        return
    names = ProductImage.objects.filter(pk=instance.pk).values_list("image", flat=True)
    instance.replaced_file = names.first()


def remove_replaced_file(instance, raw, **kwargs):
    name, instance.replaced_file = instance.replaced_file, None
    if name and name != instance.image.name:
        transaction.on_commit(partial(instance.image.storage.delete, name), robust=True)


def remove_deleted_file(instance, **kwargs):
    if instance.image:
        transaction.on_commit(partial(instance.image.storage.delete, instance.image.name), robust=True)
        transaction.on_commit(partial(drop_thumbnail, instance.sha256), robust=True)
