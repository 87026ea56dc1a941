"""Websockets: messages that inflate, operations that never end, words that are none."""

import asyncio
import contextlib
import json
import random
import socket
import struct
import time
import zlib

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.factories import fill
from tests.support.running.victim import ROUNDS, SEED, Victim
from tests.support.talk import Talk, subscribe

MEGABYTE = 1024 * 1024
PHOTOS = "images(first: 60) { edges { node { filename sha256 } } }"
HEAVY = f"{{ products(first: 100) {{ edges {{ node {{ name {PHOTOS} }} }} }} }}"


async def test_large_messages_take_no_memory(victim):
    """20 sockets with 32 messages of 15 MB, at either address, sent plain and deflated."""
    before = victim.memory()
    for url, options in (
        (victim.socket_url, {"subprotocols": ["graphql-transport-ws"]}),
        (victim.news_url, {"origin": victim.origin, "additional_headers": {"Cookie": victim.cookie}}),
    ):
        codes = await asyncio.gather(*[_flood(url, options) for _ in range(20)])
        assert set(codes) <= {1009, 1006}, "too large, or the connection was ended meanwhile"
        assert 1009 in codes
    for _ in range(20):
        _send_deflated(victim, 32)
    await asyncio.sleep(0.5)
    victim.note(
        "memory beyond that before, 20 sockets with 32 messages of 15 MB", victim.peak() - before, "MB"
    )
    assert victim.peak() - before < 50
    victim.answers()


async def _flood(url: str, options: dict) -> int:
    async with connect(url, max_size=None, **options) as talk:
        with contextlib.suppress(ConnectionClosed, ConnectionError):
            for _ in range(32):
                await talk.send("x" * (15 * MEGABYTE))
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(20):
                while True:
                    await talk.recv()
    return talk.close_code


def _send_deflated(victim: Victim, frames: int) -> None:
    """Say that frames are deflated, which was never agreed on."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = (packer.compress(b"x" * 15 * MEGABYTE) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
    head = (
        b"\xc1\xff" + struct.pack(">Q", len(packed)) + b"\0\0\0\0"
    )  # final, compressed, text; no mask to speak of
    with socket.create_connection(("127.0.0.1", victim.port)) as raw:
        raw.sendall(
            f"GET /graphql/ws/ HTTP/1.1\r\nHost: 127.0.0.1:{victim.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n".encode()
        )
        assert b"101" in raw.recv(1000)
        with contextlib.suppress(ConnectionError):
            raw.sendall((head + packed) * frames)


async def test_operations_of_one_token_do_not_hold_up_the_news_of_others(victim):
    await asyncio.to_thread(fill, victim.shop, 100, 60)
    options = {"origin": victim.origin, "additional_headers": {"Cookie": victim.cookie}}
    async with connect(victim.news_url, **options) as news:
        await news.recv()
        alone = sorted([await _snapshot(news) for _ in range(9)])[4]
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(5):
                talk = await stack.enter_async_context(Talk(victim.socket_url, max_size=None))
                await talk.begin(victim.token)
                await talk.say(*(subscribe(str(n), HEAVY) for n in range(20)))
            await asyncio.sleep(0.3)
            disturbed = sorted([await _snapshot(news) for _ in range(9)])[4]
        after = sorted([await _snapshot(news) for _ in range(9)])[4]
    for what, seconds in (("alone", alone), ("beside five sockets", disturbed), ("after them", after)):
        victim.note(f"news of others {what}", seconds, "s")
    assert disturbed < max(60 * alone, 1.0), (alone, disturbed)
    assert after < max(60 * alone, 1.0), "nothing goes on for those who have gone"
    victim.answers()


async def _snapshot(news) -> float:
    started = time.perf_counter()
    await news.send('{"type": "snapshot"}')
    async with asyncio.timeout(60):
        while json.loads(await news.recv())["type"] != "snapshot":
            pass
    return time.perf_counter() - started


async def test_pages_of_other_sites_and_strangers_get_nowhere(victim):
    for origin in (
        victim.origin.replace("http", "https"),
        "http://evil.example",
        "null",
        victim.origin + "0",
        "http://[::1",
    ):
        for url in (victim.news_url, victim.socket_url):
            with pytest.raises(InvalidStatus):
                async with connect(url, origin=origin, additional_headers={"Cookie": victim.cookie}):
                    pass
    victim.answers()


def _frames(random: random.Random, count: int):
    """Words that are nearly those of the protocols, and bytes that are none."""
    good = [
        {"type": "connection_init", "payload": {"Authorization": "Bearer shs_x"}},
        subscribe("a"),
        {"type": "complete", "id": "a"},
        {"type": "ping"},
        {"type": "read", "id": 1},
        {"type": "snapshot"},
    ]
    odd = [{}, [], None, True, -1, 10**400, 1e308, "\ud800", "x" * 1000, {"type": {}}, [[[[]]]], "\0"]
    for _ in range(count):
        kind = random.randrange(4)
        if kind == 0:
            yield random.randbytes(random.randrange(200))
        elif kind == 1:
            text = json.dumps(random.choice(good))
            cut = random.randrange(len(text))
            yield text[:cut] + chr(random.randrange(32, 300)) + text[cut + 1 :]
        elif kind == 2:
            yield "[" * random.randrange(1, 60_000)
        else:
            message = dict(random.choice(good))
            message[random.choice(["type", "id", "payload"])] = random.choice(odd)
            yield json.dumps(message)


async def test_odd_frames_end_connections_and_nothing_else(victim):
    chance = random.Random(SEED)
    own = {"origin": victim.origin, "additional_headers": {"Cookie": victim.cookie}}
    codes = set()
    for frame in _frames(chance, 200 * ROUNDS):
        url = chance.choice([victim.socket_url, victim.news_url])
        async with connect(url, subprotocols=["graphql-transport-ws"], **own) as talk:
            with contextlib.suppress(ConnectionClosed):
                await talk.send(
                    frame.encode("utf-8", "surrogatepass")
                    if isinstance(frame, str) and "\ud800" in frame
                    else frame
                )
                await talk.send('{"type": "ping"}')
                async with asyncio.timeout(10):
                    while talk.close_code is None and json.loads(await talk.recv()).get("type") not in {
                        "pong",
                        "error",
                    }:
                        pass
        codes.add(talk.close_code)
    assert codes <= {1000, 1005, 1007, 4400, 4401, 4403, 4429}, codes
    assert 4400 in codes
    victim.answers()
