"""Says who may send how much where, and how many large bodies of one sender are under way at once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import cached_property

from channels.db import database_sync_to_async
from django.conf import settings
from django.urls import Resolver404, resolve

from api.pools import Shares
from catalog.permissions import ADD_PHOTOS
from config.asgi_middleware.senders import Sender
from ml_training.graphql.link import MAY_LINK
from ml_training.graphql.types import MAY_RECOGNIZE

API = "/graphql/"
TAKE_PHOTOS = {"admin:catalog_product_add", "admin:catalog_product_change"}
MEGABYTE = 1024 * 1024
FORM_BYTES = MEGABYTE  # what a request has beside its files, and all that most may have
AT_ONCE = 4  # large bodies of one sender under way
WAIT_SECONDS = 5  # that one more waits before its sender is told to come again


def most_bytes(scope) -> int:
    """The most bytes that a request with files may have, of whoever may send any; 0 where none are taken."""
    content_type = dict(scope["headers"]).get(b"content-type", b"").lower()
    if scope["method"] != "POST" or not content_type.startswith(b"multipart/form-data"):
        return 0
    if scope["path"] == API:
        return settings.API_UPLOAD_MAX_MEGABYTES * MEGABYTE + FORM_BYTES
    if _takes_photos(scope["path"]):
        photos = settings.DATA_UPLOAD_MAX_NUMBER_FILES * settings.PHOTO_MAX_MEGABYTES
        return photos * MEGABYTE + FORM_BYTES
    return 0


def may_upload(scope, sender: Sender) -> bool:
    """Whether what is sent may have files, where some are taken. In the admin only a session counts."""
    if scope["path"] == API:
        return sender.has_run or sender.may(*MAY_RECOGNIZE) or sender.may(*MAY_LINK)
    return sender.may(ADD_PHOTOS)


def _takes_photos(path: str) -> bool:
    try:
        match = resolve(path)
    except Resolver404:
        return False
    return match.view_name in TAKE_PHOTOS and match.kwargs.get("object_id", "0").isdecimal()


class UnderWay:
    """Large bodies that are coming in, or are being worked on, in this process."""

    def __init__(self) -> None:
        self._shares = Shares(AT_ONCE)
        self._bytes: Counter[str] = Counter()

    async def enter(self, name: str, until_done: AsyncExitStack) -> bool:
        """Wait for one of a sender's places, which it has until all is done; False when it takes too long."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await until_done.enter_async_context(self._shares.slot(name))
        except TimeoutError:
            return False
        return True

    def add(self, name: str, size: int, most: int) -> bool:
        """Count more bytes of a sender; False when all of its bodies together have more than one may have."""
        if self._bytes[name] + size > most:
            return False
        self._bytes[name] += size
        return True

    def take_away(self, name: str, size: int) -> None:
        self._bytes[name] -= size
        if not self._bytes[name]:
            del self._bytes[name]


class Upload:
    """One request's large body, from when it turns out to be one."""

    def __init__(self, scope, find: Callable[[], Sender], until_done: AsyncExitStack):
        self.scope, self._find, self._until_done = scope, find, until_done
        self._name, self._counted = "", 0
        self.is_too_many = False

    @cached_property
    def most(self) -> int:
        return most_bytes(self.scope)

    @property
    def is_allowed(self) -> bool:
        """Whether its sender may send files here, as far as anybody has asked."""
        return bool(self._name)

    async def takes(self, size: int) -> bool:
        """Whether it may have so many bytes. Who sends it is looked up the first time."""
        if size > self.most or not (self._name or await self._enter()):
            return False
        if not self.is_too_many and size > self._counted:
            if under_way.add(self._name, size - self._counted, self.most):
                self._counted = size
            else:
                self.is_too_many = True
        return not self.is_too_many

    async def _enter(self) -> bool:
        sender = await database_sync_to_async(self._sender, thread_sensitive=False)()
        if sender is None:
            return False
        self._name = f"{sender.name} {'api' if self.scope['path'] == API else 'admin'}"
        self.is_too_many = not await under_way.enter(self._name, self._until_done)
        self._until_done.callback(self._leave)
        return True

    def _sender(self) -> Sender | None:
        sender = self._find()
        return sender if may_upload(self.scope, sender) else None

    def _leave(self) -> None:
        under_way.take_away(self._name, self._counted)


under_way = UnderWay()
