"""How many sockets one session, token or address may have open, and how they may come."""

import contextlib

import pytest
from channels.db import database_sync_to_async
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.websocket import SOCKETS_PER_CALLER
from catalog.models import Shop
from config.asgi_middleware.origin import is_same_origin
from config.asgi_middleware.socket_limit import SOCKETS_PER_SESSION
from tests.factories import bearer
from tests.support.talk import Talk, soon


@pytest.fixture
def token(transactional_db) -> str:
    return bearer(Shop.default(), "read")


async def test_one_session_has_so_many_sockets_and_then_a_place_again(server):
    cookie = {"Cookie": "sessionid=of-nobody"}
    async with contextlib.AsyncExitStack() as stack:
        talks = [Talk(server.socket_url, additional_headers=cookie) for _ in range(SOCKETS_PER_SESSION)]
        for talk in talks:
            await stack.enter_async_context(talk)
        async with Talk(server.socket_url, additional_headers=cookie) as talk:
            assert await talk.close_code() == 1012
        async with Talk(server.socket_url, additional_headers={"Cookie": "sessionid=other"}) as talk:
            await talk.say({"type": "connection_init"})
            assert await talk.close_code() == 4403, "others are not concerned"
        await talks[0].socket.close()
        await soon(_until_there_is_room(server.socket_url, cookie))


async def _until_there_is_room(url: str, cookie: dict[str, str]):
    code = 1012
    while code == 1012:  # the server learns a little later that one has gone
        async with Talk(url, additional_headers=cookie) as talk:
            with contextlib.suppress(ConnectionClosed):
                await talk.say({"type": "connection_init"})
            code = await talk.close_code()
    assert code == 4403


async def test_one_address_has_so_many_sockets(server, settings):
    settings.SOCKETS_PER_ADDRESS = 3
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(Talk(server.socket_url))
        async with Talk(server.socket_url) as talk:
            assert await talk.close_code() == 1012
        other = f"ws://127.0.0.1:{server.port}/ws/notifications/"
        own = f"http://127.0.0.1:{server.port}"
        async with connect(other, origin=own) as socket:
            with pytest.raises(ConnectionClosed):
                await soon(socket.recv())
            assert socket.close_code == 1012


async def test_one_token_has_so_many_sockets(server, token):
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(SOCKETS_PER_CALLER):
            talk = await stack.enter_async_context(Talk(server.socket_url))
            await talk.begin(token)
        async with Talk(server.socket_url) as one_more:
            await one_more.say({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
            assert await one_more.close_code() == 1012
        async with Talk(server.socket_url) as other:
            await other.begin(await database_sync_to_async(lambda: bearer(Shop.default(), "read"))())
    async with Talk(server.socket_url) as talk:
        await talk.begin(token)


async def test_unencrypted_socket_is_refused_where_the_site_has_https(server, settings, token):
    settings.HTTPS = True
    with pytest.raises(InvalidStatus) as refused:
        async with Talk(server.socket_url):
            pass
    assert refused.value.response.status_code == 403
    settings.BEHIND_PROXY = 1
    async with Talk(server.socket_url, additional_headers={"X-Forwarded-Proto": "https"}) as talk:
        await talk.begin(token)


@pytest.mark.parametrize(
    ("scheme", "origin", "is_own"),
    [
        ("ws", b"http://testserver", True),
        ("ws", b"https://testserver", False),
        ("wss", b"https://testserver", True),
        ("wss", b"http://testserver", False),
        ("wss", b"https://testserver:444", False),
        ("ws", b"http://[::1", False),
        ("ws", b"//[x]", False),
        ("ws", b"http://a]b", False),
    ],
)
def test_origin_is_compared_with_its_scheme(scheme, origin, is_own):
    scope = {"scheme": scheme, "headers": [(b"host", b"testserver"), (b"origin", origin)]}
    assert is_same_origin(scope) is is_own


async def test_message_that_is_too_large_closes_the_socket(server, token):
    async with Talk(server.socket_url) as talk:
        await talk.begin(token)
        await talk.say('{"type": "ping", "payload": {"a": "' + "x" * 200_000 + '"}}')
        assert await talk.close_code() == 1009
