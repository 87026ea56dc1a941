"""Refuses requests that are larger or slower than anyone may send, while they come in.

Django's ASGI handler stores a request's whole body before any view is asked.
"""

import asyncio
import json
import threading
import time

from django.conf import settings

from api.errors import TOO_LARGE, TOO_SLOW
from catalog.formatting import megabytes
from catalog.photos.turns import caller_gone
from config.asgi_middleware.senders import is_known

API = "/graphql/"
TRAINERS = "/v1/"
PRODUCT_FORMS = "/admin/catalog/product/"  # the pages that take photos
MEGABYTE = 1024 * 1024
FORM_BYTES = MEGABYTE  # what a request has beside its files, and all that most may have
REPORT_BYTES = 64 * 1024  # of a trainer
PACE_SECONDS = 30  # over which a body's speed is looked at
PACE_BYTES = 16 * 1024 * PACE_SECONDS  # the least of it in so many seconds: slow phones are faster


def usual_bytes(scope) -> int:
    """The most bytes that a request may have, whoever sends it."""
    return REPORT_BYTES if scope["path"].startswith(TRAINERS) else FORM_BYTES


def upload_bytes(scope) -> int:
    """The most bytes that a request with files may have from those who are known; 0 where none are taken."""
    content_type = dict(scope["headers"]).get(b"content-type", b"").lower()
    if scope["method"] != "POST" or not content_type.startswith(b"multipart/form-data"):
        return 0
    if scope["path"] == API:
        return settings.API_UPLOAD_MAX_MEGABYTES * MEGABYTE + FORM_BYTES
    if scope["path"].startswith(PRODUCT_FORMS):
        photos = settings.DATA_UPLOAD_MAX_NUMBER_FILES * settings.PHOTO_MAX_MEGABYTES
        return photos * MEGABYTE + FORM_BYTES
    return 0


class BodyLimit:
    """ASGI middleware: 413 by the header or as soon as more came than is taken, 408 when it comes too slowly.

    Photos wait for their turn no longer once their sender has gone: `catalog.photos.turns.caller_gone`.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        body = _Body(scope, receive)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and not await body.takes(int(length)):
            await _refuse(send, body)
            return

        async def unless_refused(message):
            if not body.refusal:
                await send(message)

        token = caller_gone.set(body.gone)
        try:
            await self.application(scope, body.receive, unless_refused)
        finally:
            caller_gone.reset(token)
        if body.refusal:
            await _refuse(send, body)


class _Body:
    """A request's body as it comes in. `refusal`: status, code and sentence, once no more is taken."""

    def __init__(self, scope, receive):
        self.scope, self._receive = scope, receive
        self.most, self.received, self.is_complete = usual_bytes(scope), 0, False
        self.refusal: tuple = ()
        self.gone = threading.Event()
        self._pace_from, self._pace_bytes = (
            0.0,
            0,
        )  # when the speed was last looked at, and what had come by then

    async def receive(self):
        message = await (self._receive() if self.is_complete else self._next_part())
        if message["type"] == "http.disconnect":
            self.gone.set()
            return message
        self.received += len(message.get("body", b""))
        self.is_complete = not message.get("more_body", False)
        return message if await self.takes(self.received) else {"type": "http.disconnect"}

    async def takes(self, size: int) -> bool:
        """Whether a body may have so many bytes. Who sends it is looked up for a large one only."""
        if size > self.most and size <= upload_bytes(self.scope) and await is_known(self.scope):
            self.most = upload_bytes(self.scope)
        if size > self.most:
            self.refusal = (413, TOO_LARGE, f"This request may have at most {megabytes(self.most)}.")
        return not self.refusal

    async def _next_part(self):
        until = self._pace_until()
        try:
            async with asyncio.timeout(until):
                return await self._receive()
        except TimeoutError:
            self.refusal = (
                408,
                TOO_SLOW,
                "The request came too slowly. Send it again over a better connection.",
            )
            return {"type": "http.disconnect"}

    def _pace_until(self) -> float:
        """Seconds that the next part may take: enough for the least of bytes since the last look."""
        now = time.monotonic()
        if not self._pace_from or self.received - self._pace_bytes >= PACE_BYTES:
            self._pace_from, self._pace_bytes = now, self.received
        return max(self._pace_from + PACE_SECONDS - now, 0)


async def _refuse(send, body: _Body):
    status, code, text = body.refusal
    answer = json.dumps({"errors": [{"message": text, "extensions": {"code": code}}]}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
