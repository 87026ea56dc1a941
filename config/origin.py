"""Refuses websockets that another site's page opens. Called by `config.asgi`."""

from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings


class SameOrigin:
    """ASGI middleware: browsers send cookies along with any site's websocket, so the origin must be ours."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        headers = {name.lower(): value.decode("latin1") for name, value in scope["headers"]}
        application = self.application if is_same_origin(headers) else WebsocketDenier.as_asgi()
        return await application(scope, receive, send)


def is_same_origin(headers: dict[bytes, str]) -> bool:
    origin = headers.get(b"origin", "")
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    parts = urlsplit(origin)
    return parts.scheme in {"http", "https"} and parts.netloc == headers.get(b"host")
