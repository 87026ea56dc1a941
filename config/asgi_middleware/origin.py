"""Refuses websockets that another site's page opens, or that come unencrypted where the site has https.

Browsers say which site a page is of, and send our cookies along whichever it is; other programs say nothing.
"""

from urllib.parse import urlsplit

from channels.auth import AuthMiddlewareStack
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host


class EncryptedOnly:
    """ASGI middleware: with HTTPS, no token and no session is read from a socket that others can read too."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        is_fit = scope.get("scheme") == "wss" or not settings.HTTPS
        return await (self.application if is_fit else WebsocketDenier.as_asgi())(scope, receive, send)


class SameOrigin:
    """ASGI middleware: browsers send cookies along with any site's websocket, so the origin must be ours."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        application = self.application if is_same_origin(scope) else WebsocketDenier.as_asgi()
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


def is_same_origin(scope) -> bool:
    """Whether the page that opens a socket came from this site: by its scheme, host and port."""
    headers = {name.lower(): value.decode("latin1") for name, value in scope["headers"]}
    origin = headers.get(b"origin", "")
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    try:
        parts = urlsplit(origin)
    except ValueError:  # nearly an address
        return False
    if parts.scheme != scheme or parts.netloc != headers.get(b"host"):
        return False
    domain, _ = split_domain_port(parts.netloc)
    return validate_host(domain, settings.ALLOWED_HOSTS)
