"""Refuses requests that are larger than anyone may send, while they come in.

Django's ASGI handler stores a request's whole body before any view is asked.
"""

import json

from django.conf import settings

from api.errors import TOO_LARGE
from catalog.formatting import megabytes

API = "/graphql/"
TRAINERS = "/v1/"
TILLS = "/till/"
MEGABYTE = 1024 * 1024
FORM_BYTES = MEGABYTE  # what a multipart request has beside its files
REPORT_BYTES = 64 * 1024  # of a trainer


def _most(scope) -> int:
    """The most bytes that a request may have: whoever shows no session brings no photos to the admin."""
    if scope["path"] == API:
        return settings.API_UPLOAD_MAX_MEGABYTES * MEGABYTE + FORM_BYTES
    if scope["path"].startswith(TRAINERS):
        return REPORT_BYTES
    if scope["path"].startswith(TILLS):
        return FORM_BYTES  # a correction, whose photo is small
    cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie").decode("latin1")
    if f"{settings.SESSION_COOKIE_NAME}=" not in cookies:
        return FORM_BYTES
    photos = settings.DATA_UPLOAD_MAX_NUMBER_FILES * settings.PHOTO_MAX_MEGABYTES
    return photos * MEGABYTE + FORM_BYTES


class BodyLimit:
    """ASGI middleware: 413 by the header, or else as soon as more bytes came than are taken."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        most = _most(scope)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > most:
            await _refuse(send, most)
            return
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
            await _refuse(send, most)


async def _refuse(send, most: int):
    text = f"This request may have at most {megabytes(most)}."
    body = json.dumps({"errors": [{"message": text, "extensions": {"code": TOO_LARGE}}]}).encode()
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
