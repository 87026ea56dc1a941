"""Removes a photo's file once its row is gone for good, and lets nobody delete a product that is being saved.

Files go only after the transaction has committed: a rollback keeps them.
"""

from django.db.models.signals import post_delete, post_save, pre_delete, pre_save

from api.after_commit import after_commit
from catalog.models import Product, ProductImage
from catalog.photos.thumbnails import drop_thumbnail


def connect():
    pre_delete.connect(wait_for_savers, sender=Product, dispatch_uid="catalog.wait_for_savers")
    pre_save.connect(remember_replaced_file, sender=ProductImage, dispatch_uid="catalog.remember_replaced")
    post_save.connect(remove_replaced_file, sender=ProductImage, dispatch_uid="catalog.remove_replaced")
    post_delete.connect(remove_deleted_file, sender=ProductImage, dispatch_uid="catalog.remove_deleted")


def wait_for_savers(instance, using, **kwargs):
    """Lock a product before its photos are deleted, as its form does: else each could wait for the other."""
    list(Product.objects.using(using).select_for_update().filter(pk=instance.pk).values_list("pk"))


def remember_replaced_file(instance, raw, **kwargs):
    if raw or not instance.pk or instance.image._committed:
        return
    names = ProductImage.objects.filter(pk=instance.pk).values_list("image", flat=True)
    instance.replaced_file = names.first()


def remove_replaced_file(instance, raw, **kwargs):
    name, instance.replaced_file = instance.replaced_file, None
    if name and name != instance.image.name:
        after_commit(instance.image.storage.delete, name)


def remove_deleted_file(instance, **kwargs):
    if instance.image:
        after_commit(instance.image.storage.delete, instance.image.name)
        after_commit(drop_thumbnail, instance.sha256)
