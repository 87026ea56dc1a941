"""The websocket of the admin: a snapshot on connect, pushes after that, marking notifications read.

docs/live-updates.md lists the messages.
"""

import asyncio
import contextlib
import logging
import random
import time

from channels.consumer import get_handler_name
from channels.exceptions import ChannelFull
from django.contrib.auth.models import User

from api.pools import news
from api.protocol import BAD_REQUEST
from api.sockets import JOIN_SECONDS, Socket
from api.strict_json import NotJson, read_json
from catalog.models import Shop
from ml_training.permissions import VIEW_TRAINING
from ml_training.status.shop import training_infos
from notifications.inbox import inbox, mark_read, unread_count
from notifications.push import open_layer, push_read, session_hash, shop_group, user_group

logger = logging.getLogger(__name__)
REFUSED = 4403  # close code: who asks may not see this
TRY_AGAIN = 1012  # close code: come again, the server restarts
LATEST = 20
CHECK_SECONDS = 5
RIGHTS_SECONDS = 20  # rights are read again this often at least; pushes do not wait for that


def _rights_due() -> float:
    """When to read rights again: not for all pages at once, though all connect at once after a restart."""
    return time.monotonic() + RIGHTS_SECONDS * random.uniform(0.5, 1)


async def layer_answers() -> bool:
    try:
        await asyncio.wait_for(open_layer().send("is-anybody-there", {"type": "nothing"}), JOIN_SECONDS)
    except ChannelFull:
        pass
    except Exception as error:  # noqa: BLE001 (a network can do anything: the page polls)
        logger.warning("The channel layer does not answer (%s).", error)
        return False
    return True


class NotificationConsumer(Socket):
    """One open page. `live` is whether pushes reach it; if not, the page polls and says so."""

    user: User
    shops: list[Shop]
    shop_pks: set[int]

    def __init__(self) -> None:
        super().__init__()
        self.joined: set[str] = set()
        self.live, self.heard = False, True

    async def __call__(self, scope, receive, send):
        """Take part in the channel layer; while that is away, serve the page without it."""
        if not await layer_answers():
            # Channels reads it from the instance, and takes None for none; its stubs know neither.
            self.channel_layer_alias = None  # type: ignore[misc, assignment]
        return await super().__call__(scope, receive, send)

    async def dispatch(self, message):
        """As a consumer does, less the visit to a thread that looks after database connections.

        Whatever uses the database here looks after them itself, and most pushes do not.
        """
        await getattr(self, get_handler_name(message))(message)

    async def connect(self):
        await self.accept()
        if not await self._refresh_rights():
            await self.close(REFUSED)
            return
        self.live = await self._join()
        await self._send_snapshot()
        self.watch = asyncio.create_task(self._watch())

    async def disconnect(self, code):
        if self.watch:
            self.watch.cancel()
        for group in self.joined:
            await self.leave_group(group)

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        """What a page may ask: {"type": "read", "id": 1}, {"type": "read_all"}, {"type": "snapshot"}.

        Whatever else is asked gets an answer. What is no JSON object with a type ends the connection.
        """
        try:
            content = read_json(text_data or "")
        except NotJson:
            content = None
        kind = content.get("type") if isinstance(content, dict) else None
        if not isinstance(kind, str):
            await self.close(BAD_REQUEST)
        elif not await self._refresh_rights():
            await self.close(REFUSED)
        elif kind == "snapshot":
            await self._join()  # of a shop that was given meanwhile
            await self._send_snapshot()
        elif kind == "read_all":
            await self._mark_read(None)
        elif kind == "read" and type(content.get("id")) is int:
            await self._mark_read(content["id"])
        else:
            await self.send_json({"type": "error", "message": "Send read (with id), read_all or snapshot."})

    # --- pushes from the channel layer -------------------------------------------------------------

    async def ml_progress(self, message):
        await self._send_if_visible({"type": "progress", **message["data"]})

    async def ml_status(self, message):
        await self._send_if_visible({"type": "status", **message["data"]})

    async def notification_new(self, message):
        notification = message["data"]
        if notification["shop"] in self.shop_pks:
            await self.send_json(
                {"type": "notification", "notification": notification, "unread": message["unread"]}
            )

    async def notification_read(self, message):
        await self.send_json({"type": "read", **await self._notifications()})

    async def session_ended(self, message):
        if message["session"] == session_hash(self.scope["session"].session_key):
            await self.close(REFUSED)

    async def layer_check(self, message):
        self.heard = True

    # --- inside ------------------------------------------------------------------------------------

    async def _send_if_visible(self, message):
        if message["shop_id"] in self.shop_pks:
            await self.send_json(message)

    async def _mark_read(self, notification_id):
        await news.run(mark_read, self.user, notification_id)
        await self.send_json({"type": "read", **await self._notifications()})
        await news.run(push_read, self.user.pk)

    async def _refresh_rights(self) -> bool:
        """Read again who this is and what may be seen: rights can be taken while a page is open."""
        return await news.run(self._read_rights)

    def _read_rights(self) -> bool:
        user = self.read_user()
        if not (isinstance(user, User) and user.is_active and user.is_staff and user.has_perm(VIEW_TRAINING)):
            return False
        self.user = user
        self.shops = list(Shop.objects.visible_to(user))
        self.shop_pks = {shop.pk for shop in self.shops}
        return True

    async def _join(self) -> bool:
        if self.channel_layer is None:
            return False
        wanted = {user_group(self.user.pk), *map(shop_group, self.shop_pks)}
        for group in wanted - self.joined:
            if not await self.join_group(group):
                return False  # the page polls
            self.joined.add(group)
        return True

    async def _notifications(self) -> dict:
        return await news.run(self._read_notifications)

    def _read_notifications(self) -> dict:
        latest = [notification.as_json() for notification in inbox(self.user)[:LATEST]]
        return {"unread": unread_count(self.user), "notifications": latest}

    async def _send_snapshot(self):
        """Joined before it is read, so nothing falls between; a push told twice is known by its number."""
        shops = [info.as_json() for info in await news.run(training_infos, self.shops)]
        snapshot = {"shops": shops, **await self._notifications(), "live": self.live}
        await self.send_json({"type": "snapshot", **snapshot})

    async def _watch(self):
        """Look after the page until it goes. Whatever fails, it is closed and connects anew."""
        try:
            code = await self._look_after()
        except OSError:  # the page went while something was sent to it; if it did not, it connects anew
            code = TRY_AGAIN
        except Exception:
            logger.exception("A page could not be looked after.")
            code = TRY_AGAIN
        with contextlib.suppress(Exception):  # it may have gone at this moment
            await self.close(code)

    async def _look_after(self) -> int:
        """Read rights again from time to time; say so when pushes stop or come again.

        Returns:
            The code to close the socket with.
        """
        due = _rights_due()
        while True:
            self.heard = False
            await self._send_to_itself()
            await asyncio.sleep(CHECK_SECONDS)
            if time.monotonic() > due:
                if not await self._refresh_rights():
                    return REFUSED
                due = _rights_due()
            if self.channel_layer is None and await layer_answers():
                return TRY_AGAIN  # the page connects anew and then takes part
            live = self.heard and await self._join()
            if live != self.live:
                self.live = live
                await self.send_json({"type": "live", "live": live})
                if live:
                    await self._send_snapshot()

    async def _send_to_itself(self):
        if self.channel_layer is None:
            return
        with contextlib.suppress(Exception):
            check = self.channel_layer.send(self.channel_name, {"type": "layer.check"})
            await asyncio.wait_for(check, JOIN_SECONDS)
