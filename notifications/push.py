"""Pushes news to open pages over the channel layer. A push is a hint: the row is the truth.

Whatever is wrong with the channel layer, nothing here raises and nothing waits for long: after a failure
pushes are left out for a while, and pages poll.
"""

import asyncio
import hashlib
import logging
import time
from dataclasses import asdict

from asgiref.sync import async_to_sync
from channels.exceptions import ChannelFull, InvalidChannelLayerError
from channels.layers import BaseChannelLayer, get_channel_layer

from catalog.models import Shop
from ml_training.events import MLStatusEvent
from ml_training.status.shop import training_info
from notifications.inbox import unread_count

logger = logging.getLogger(__name__)
PAUSE_SECONDS = 10  # after a failure
MAX_PUSH_SECONDS = 1.5  # that a push may take; a server that hangs is as bad as one that is gone
_paused_until = 0.0


def shop_group(shop_id: int) -> str:
    return f"shop-{shop_id}"


def user_group(user_id: int) -> str:
    return f"user-{user_id}"


def push_progress(event: MLStatusEvent) -> None:
    _push(shop_group(event.shop_id), {"type": "ml.progress", "data": asdict(event)})


def push_status(event: MLStatusEvent) -> None:
    """Push a change of state and how the shop is now: enough to show a run that waits or trains."""
    shop = Shop.objects.filter(pk=event.shop_id).first()
    if shop is not None:
        data = asdict(event) | {"now": training_info(shop).now()}
        _push(shop_group(shop.pk), {"type": "ml.status", "data": data})


def push_notification(notification) -> None:
    """The count goes along, so that no open page needs to ask the database for it."""
    message = {
        "type": "notification.new",
        "data": notification.as_json(),
        "unread": unread_count(notification.recipient),
    }
    _push(user_group(notification.recipient_id), message)


def push_read(user_id: int) -> None:
    """Tell a user's other tabs that something was read."""
    _push(user_group(user_id), {"type": "notification.read"})


def push_logout(user_id: int, session_key: str) -> None:
    """Have the pages of a session that ends closed. The key opens the session, so only its hash is sent."""
    _push(user_group(user_id), {"type": "session.ended", "session": session_hash(session_key)})


def session_hash(session_key: str | None) -> str:
    return hashlib.sha256((session_key or "").encode()).hexdigest()


def open_layer() -> BaseChannelLayer:
    """The channel layer that carries pushes. Raises InvalidChannelLayerError where none is set up."""
    layer = get_channel_layer()
    if layer is None:
        raise InvalidChannelLayerError("No channel layer is set up.")
    return layer


async def _send(group: str, message: dict) -> None:
    await asyncio.wait_for(open_layer().group_send(group, message), MAX_PUSH_SECONDS)


def _push(group: str, message: dict) -> None:
    global _paused_until  # noqa: PLW0603 (of this process)
    if time.monotonic() < _paused_until:
        return
    try:
        async_to_sync(_send)(group, message)
    except ChannelFull:
        logger.debug("A page is too slow for its pushes; it will read the row.")
    except Exception as error:  # noqa: BLE001 (a network can do anything)
        _paused_until = time.monotonic() + PAUSE_SECONDS
        logger.warning("The channel layer does not answer (%s); pages poll meanwhile.", error)
