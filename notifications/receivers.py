"""Listens to training and tells staff. Connected by `notifications.apps`."""

from ml_training.events import PROGRESS
from notifications.inbox import store_status
from notifications.push import push_notification, push_progress, push_status


def tell_staff(event, **kwargs):
    """Progress is only pushed; every other kind is also kept for each recipient."""
    if event.kind == PROGRESS:
        push_progress(event)
        return
    stored = store_status(event)
    push_status(event)
    for notification in stored:
        push_notification(notification)
