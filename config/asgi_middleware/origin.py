"""Refuses websockets that another site's page opens.

Browsers say which site a page is of, and send our cookies along whichever it is; other programs say nothing.
"""

from urllib.parse import urlsplit

from channels.auth import AuthMiddlewareStack
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host


class SameOrigin:
    """ASGI middleware: browsers send cookies along with any site's websocket, so the origin must be ours."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        headers = {name.lower(): value.decode("latin1") for name, value in scope["headers"]}
        application = self.application if is_same_origin(headers) else WebsocketDenier.as_asgi()
        return await application(scope, receive, send)


class SessionOfOwnPages:
    """ASGI middleware for programs and pages: pages of ours have their session; who names no origin has none
    and shows a token; pages of other sites are refused."""

    def __init__(self, application):
        self.with_session, self.without = SameOrigin(AuthMiddlewareStack(application)), application

    async def __call__(self, scope, receive, send):
        if any(name.lower() == b"origin" for name, _ in scope["headers"]):
            return await self.with_session(scope, receive, send)
        return await self.without({**scope, "session": None}, receive, send)


def is_same_origin(headers: dict[bytes, str]) -> bool:
    origin = headers.get(b"origin", "")
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or parts.netloc != headers.get(b"host"):
        return False
    domain, _ = split_domain_port(parts.netloc)
    return validate_host(domain, settings.ALLOWED_HOSTS)
