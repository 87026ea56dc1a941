"""Cleans up after corrections: files of rows that go, and whatever has become too old."""

from django.db.models.signals import post_delete

from api.after_commit import after_commit
from catalog.activity.rows import Activity
from catalog.activity.watch import Tracked, track
from ml_training.events import reconciled
from ml_training.status import observed
from till.figures import observed_in_words
from till.limits import drop_old
from till.models import Correction, TillSettings


def connect() -> None:
    post_delete.connect(remove_photo, sender=Correction, dispatch_uid="till.remove_photo")
    reconciled.connect(drop_old_now_and_then, dispatch_uid="till.drop_old")
    observed.register(observed_in_words)
    of_shop = Tracked(Activity.Kind.TILL, "", ("keeps_photos",), lambda row: row.shop, is_made=False)
    track(TillSettings, of_shop)


def remove_photo(instance, **kwargs):
    if instance.photo:
        after_commit(instance.photo.storage.delete, instance.photo.name)


def drop_old_now_and_then(**kwargs):
    drop_old()
