"""What every websocket here does: knows whose session it is, takes part in groups, sends JSON."""

import asyncio
import contextlib
import logging
from importlib import import_module

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest

logger = logging.getLogger(__name__)
JOIN_SECONDS = 3  # that the channel layer may take to let a socket join a group
LEAVE_SECONDS = 1  # and to let it leave one: nobody waits for that
REASON_BYTES = 123  # that a frame with a close code has room for
GONE = (RuntimeError, OSError)  # what uvicorn raises once it has closed a connection, or lost it


def fitting(reason: str) -> str:
    """As much of a close reason as may be sent."""
    return reason.encode(errors="replace")[:REASON_BYTES].decode(errors="ignore")


class Socket(AsyncJsonWebsocketConsumer):
    """One connection. `watch` looks after it until it ends."""

    watch: asyncio.Task | None = None
    is_closed = False

    async def close(self, code=None, reason=None):
        """Close the connection. What arrives or is to be sent afterwards is dropped."""
        if not self.is_closed:
            self.is_closed = True
            with contextlib.suppress(*GONE):
                await super().close(code, reason and fitting(reason))

    async def websocket_receive(self, message):
        if not self.is_closed:
            await super().websocket_receive(message)

    async def send_json(self, content, close=False):
        if not self.is_closed:
            try:
                await super().send_json(content, close)
            except GONE:
                self.is_closed = True

    def read_user(self) -> AbstractBaseUser | AnonymousUser:
        """Read again whose session it is: nobody's after a logout elsewhere or a change of the password."""
        session = self.scope.get("session")
        if session is None or not session.session_key:
            return AnonymousUser()
        request = HttpRequest()
        request.session = import_module(settings.SESSION_ENGINE).SessionStore(session.session_key)
        return get_user(request)

    async def join_group(self, group: str) -> bool:
        """Returns whether the channel layer answered; if not, that is logged."""
        try:
            await asyncio.wait_for(self.channel_layer.group_add(group, self.channel_name), JOIN_SECONDS)
        except Exception as error:  # noqa: BLE001 (a network can do anything: who misses pushes reads the row)
            logger.warning("The channel layer does not answer (%s).", error)
            return False
        return True

    async def leave_group(self, group: str) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.channel_layer.group_discard(group, self.channel_name), LEAVE_SECONDS)
