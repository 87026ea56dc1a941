"""Scheme and address come from the proxy in front, and from nobody else."""

import asyncio

import pytest

from config.asgi_middleware.proxy import ProxyHeaders

TCP = ("10.0.0.9", 4711)


def seen(kind: str = "http", **headers: str) -> tuple[str, str]:
    """Scheme and address as the application sees them."""
    found = {}

    async def site(scope, receive, send):
        found.update(scope)

    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    plain = "http" if kind == "http" else "ws"
    scope = {"type": kind, "scheme": plain, "client": TCP, "headers": lines}
    asyncio.run(ProxyHeaders(site)(scope, None, None))
    return found["scheme"], found["client"][0]


def test_without_a_proxy_headers_say_nothing(settings):
    settings.BEHIND_PROXY = 0
    assert seen(x_forwarded_proto="https", x_forwarded_for="203.0.113.7") == ("http", TCP[0])


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "1.2.3.4, 203.0.113.7", "203.0.113.7"),  # what the client sent itself stands left
        (2, "1.2.3.4, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
        (2, "203.0.113.7", TCP[0]),  # it came past one of the proxies
        (1, "203.0.113.7:50000", "203.0.113.7"),
        (1, "[2001:DB8::1]:50000", "2001:db8::1"),
        (1, "2001:db8:0:0::1", "2001:db8::1"),
        (1, "unknown", TCP[0]),
        (1, "", TCP[0]),
        (1, "1.2.3.4\x00", TCP[0]),
    ],
)
def test_address_is_the_one_that_the_proxy_was_asked_from(settings, proxies, forwarded, address):
    settings.BEHIND_PROXY = proxies
    assert seen(x_forwarded_for=forwarded)[1] == address


@pytest.mark.parametrize(("said", "scheme"), [("https", "https"), ("http,https", "https"), ("http", "http")])
def test_scheme_is_the_one_of_the_proxy(settings, said, scheme):
    settings.BEHIND_PROXY = 1
    assert seen(x_forwarded_proto=said)[0] == scheme
    assert seen("websocket", x_forwarded_proto=said)[0] == {"https": "wss", "http": "ws"}[scheme]
