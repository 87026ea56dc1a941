"""The ASGI application: Django over HTTP, Channels over websockets."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402 (after Django is set up)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from api.websocket import GraphQLSocket  # noqa: E402
from catalog.access import Access  # noqa: E402
from config.asgi_middleware.body_limit import BodyLimit  # noqa: E402
from config.asgi_middleware.origin import EncryptedOnly, SameOrigin, SessionOfOwnPages  # noqa: E402
from config.asgi_middleware.proxy import ProxyHeaders  # noqa: E402
from config.asgi_middleware.socket_limit import SocketLimit  # noqa: E402
from config.schema import schema  # noqa: E402
from notifications.routing import websocket_urlpatterns  # noqa: E402

sockets: list[Any] = [  # Channels' stubs take Django's patterns for views only
    path("graphql/ws/", SessionOfOwnPages(GraphQLSocket.as_asgi(schema=schema, access=Access))),
    re_path("^", SameOrigin(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))),
]
application = ProxyHeaders(
    ProtocolTypeRouter(
        {
            "http": BodyLimit(django_application),
            "websocket": SocketLimit(EncryptedOnly(URLRouter(sockets))),
        }
    )
)
