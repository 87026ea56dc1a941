"""Reads from the proxy in front who asks and how: for pages, sockets and whatever counts addresses alike."""

import ipaddress
from typing import Any

from django.conf import settings

SECURE = {"http": "https", "websocket": "wss"}


class ProxyHeaders:
    """ASGI middleware: with BEHIND_PROXY, scheme and address are those that the proxy gives.

    Every proxy appends the address that it was asked from to `X-Forwarded-For`, so it is read from the right:
    whatever a client sent itself stands further left.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        if settings.BEHIND_PROXY and scope["type"] in SECURE:
            scope = {**scope, **_as_the_proxy_says(scope)}
        await self.application(scope, receive, send)


def _as_the_proxy_says(scope) -> dict[str, Any]:
    said: dict[str, Any] = {}
    protocols, addresses = _items(scope, b"x-forwarded-proto"), _items(scope, b"x-forwarded-for")
    if protocols and protocols[-1].lower() in {"https", "wss"}:
        said["scheme"] = SECURE[scope["type"]]
    if len(addresses) >= settings.BEHIND_PROXY:
        address = _address(addresses[-settings.BEHIND_PROXY])
        if address:
            said["client"] = (address, 0)
    return said


def _items(scope, name: bytes) -> list[str]:
    """The items of a header that is a list; several lines of it are one list."""
    lines = [value.decode("latin1") for header, value in scope["headers"] if header.lower() == name]
    return [item.strip() for item in ",".join(lines).split(",")] if lines else []


def _address(text: str) -> str:
    """An IP address as it is written in one way only; empty for what is none."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:  # 192.0.2.1:50000
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""
