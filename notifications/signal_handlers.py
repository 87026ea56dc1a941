"""Listens to training and tells staff; listens to logouts."""

from ml_training.events import CHANGED, PROGRESS
from notifications.inbox import store_status
from notifications.push import push_logout, push_notification, push_progress, push_status


def tell_staff(event, **kwargs):
    """Push every kind; all but progress and the choice of a version are also kept for each recipient."""
    if event.kind == PROGRESS:
        push_progress(event)
        return
    if event.kind == CHANGED:
        push_status(event)
        return
    stored = store_status(event)
    push_status(event)
    for notification in stored:
        push_notification(notification)


def close_pages(request, user, **kwargs):
    """Close the pages of the session that ends; those of the user's other sessions stay."""
    if user is not None:
        push_logout(user.pk, request.session.session_key)
