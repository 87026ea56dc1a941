"""Refuses requests to the API that are larger than it takes, while they come in. Called by `config.asgi`.

Django's ASGI handler stores a request's whole body before any view is asked.
"""

import json

from django.conf import settings

from catalog.api.errors import TOO_LARGE

PATH = "/graphql/"
FORM_BYTES = 1024 * 1024  # what a multipart request has beside its files


class BodyLimit:
    """ASGI middleware: 413 by the header, or else as soon as more bytes came than are taken."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["path"] != PATH:
            return await self.application(scope, receive, send)
        most = settings.API_UPLOAD_MAX_MEGABYTES * 1024 * 1024 + FORM_BYTES
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > most:
            return await _refuse(send)
        received, refused = 0, False

        async def limited_receive():
            nonlocal received, refused
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                refused = True
                return {"type": "http.disconnect"}  # Django drops what it has
            return message

        async def unless_refused(message):
            if not refused:
                await send(message)

        await self.application(scope, limited_receive, unless_refused)
        if refused:
            await _refuse(send)


async def _refuse(send):
    text = f"A request with files has at most {settings.API_UPLOAD_MAX_MEGABYTES} MB."
    body = json.dumps({"errors": [{"message": text, "extensions": {"code": TOO_LARGE}}]}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
