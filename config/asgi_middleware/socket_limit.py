"""Limits how many websockets are open at once: for each session, and for each address."""

import hashlib
from collections import Counter

from django.conf import settings

from api.protocol import COME_AGAIN
from config.asgi_middleware.cookies import session_key_in

SOCKETS_PER_SESSION = 20


class SocketLimit:
    """ASGI middleware: one socket too many is told to come again (1012).

    Counted in this process. A cookie counts whether or not there is such a session. The API counts tokens,
    which come with the first message.
    """

    def __init__(self, application):
        self.application = application
        self.open: Counter[str] = Counter()

    async def __call__(self, scope, receive, send):
        limits = _limits(scope)
        if any(self.open[key] >= most for key, most in limits.items()):
            await _refuse(scope, receive, send)
            return
        self.open.update(limits.keys())
        try:
            await self.application(scope, receive, send)
        finally:
            self.open.subtract(limits.keys())
            for key in limits:
                if not self.open[key]:
                    del self.open[key]


def _limits(scope) -> dict[str, int]:
    """What a socket counts for, and how many of each there may be."""
    address = (scope.get("client") or ("",))[0]
    limits = {f"address {address}": settings.SOCKETS_PER_ADDRESS}
    if key := session_key_in(scope):
        limits["session " + hashlib.sha256(key.encode()).hexdigest()] = SOCKETS_PER_SESSION
    return limits


async def _refuse(scope, receive, send):
    """Accept, since only then a browser learns why it is closed."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": next(iter(scope.get("subprotocols", [])), None)})
    await send({"type": "websocket.close", "code": COME_AGAIN, "reason": "Too many connections; come again"})
