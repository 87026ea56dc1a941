"""Refuses requests that are larger or slower than anyone may send, while they come in.

Django's ASGI handler stores a request's whole body before any view is asked.
"""

import asyncio
import json
import threading
import time
from contextlib import AsyncExitStack

from api.errors import TOO_LARGE, TOO_MANY, TOO_SLOW
from catalog.formatting import megabytes
from catalog.photos.turns import caller, caller_gone, is_patient
from config.asgi_middleware.senders import lookup
from config.asgi_middleware.uploads import FORM_BYTES, Upload
from config.bad_weather import PAGE

TRAINERS = "/v1/"
REPORT_BYTES = 64 * 1024  # of a trainer
PAGES = "/admin/"
PATIENT = (PAGES, "/photos/", "/till/thumbnails/")  # where people look at photos, or have sent them
OF_NOBODY = (
    "You are logged out, or may not add photos any more. Leave this page open, log in in another tab, then "
    "reload this page here: your browser sends what you typed again."
)
PACE_SECONDS = 30  # over which a body's speed is looked at
PACE_BYTES = 16 * 1024 * PACE_SECONDS  # the least of it in so many seconds: slow phones are faster


def usual_bytes(scope) -> int:
    """The most bytes that a request may have, whoever sends it."""
    return REPORT_BYTES if scope["path"].startswith(TRAINERS) else FORM_BYTES


class BodyLimit:
    """ASGI middleware: 413 by the header or as soon as more came than is taken, 408 when it comes too slowly.

    Photos wait for their turn among those of others, and no longer once their sender has gone: `caller` and
    `caller_gone` in `catalog.photos.turns`.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        async with AsyncExitStack() as until_done:
            find = lookup(scope)
            body = _Body(scope, receive, Upload(scope, find, until_done))
            until_done.callback(caller_gone.reset, caller_gone.set(body.gone))
            until_done.callback(caller.reset, caller.set(lambda: find().name))
            until_done.callback(is_patient.reset, is_patient.set(scope["path"].startswith(PATIENT)))
            await self._serve(body, send)

    async def _serve(self, body, send):
        length = dict(body.scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and not await body.takes(int(length)):
            await _refuse(send, body)
            return

        async def unless_refused(message):
            if not body.refusal:
                await send(message)

        await self.application(body.scope, body.receive, unless_refused)
        if body.refusal:
            await _refuse(send, body)


class _Body:
    """A request's body as it comes in. `refusal`: status, code and sentence, once no more is taken."""

    def __init__(self, scope, receive, upload: Upload):
        self.scope, self._receive, self._upload = scope, receive, upload
        self.most, self.received, self.is_complete = usual_bytes(scope), 0, False
        self.refusal: tuple = ()
        self.is_page = scope["path"].startswith(PAGES)
        self.gone = threading.Event()
        # When the speed was last looked at, and what had come by then.
        self._pace_from, self._pace_bytes = 0.0, 0

    async def receive(self):
        message = await (self._receive() if self.is_complete else self._next_part())
        if message["type"] == "http.disconnect":
            self.gone.set()
            return message
        self.received += len(message.get("body", b""))
        self.is_complete = not message.get("more_body", False)
        if self.is_complete:
            self._say_length()
        return message if await self.takes(self.received) else {"type": "http.disconnect"}

    def _say_length(self) -> None:
        """Name the length of a body that came in chunks, without which Django sees no form in it."""
        headers = self.scope["headers"]
        if self.received and not any(name == b"content-length" for name, _ in headers):
            self.scope["headers"] = [*headers, (b"content-length", str(self.received).encode())]

    async def takes(self, size: int) -> bool:
        """Whether a body may have so many bytes. Who sends it is looked up for a large one only."""
        if size <= self.most or await self._upload.takes(size):
            return True
        if self._upload.is_too_many:
            text = "You are sending many large files already. Wait until they are done, and send this again."
            self.refusal = (503, TOO_MANY, text)
        else:
            most = self._upload.most if self._upload.is_allowed else self.most
            text = f"This request may have at most {megabytes(most)}."
            if self.is_page and self._upload.most and not self._upload.is_allowed:
                text = OF_NOBODY
            self.refusal = (413, TOO_LARGE, text)
        return False

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
    if body.is_page:
        kind, answer = b"text/html; charset=utf-8", PAGE.format(title="Nothing was saved", text=text).encode()
    else:
        error = {"message": text, "extensions": {"code": code}}
        kind, answer = b"application/json", json.dumps({"errors": [error]}).encode()
    headers = [(b"content-type", kind), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
