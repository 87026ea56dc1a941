"""Websockets below their messages: frames that are none, upgrades that are half a one."""

import asyncio
import contextlib
import socket
import threading
import time
from unittest.mock import Mock

import pytest
import uvicorn
from uvicorn.server import ServerState

from config.serving import websocket as serving
from tests.support.api import Server
from tests.support.running.raw_socket import (
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    ends,
    frame,
    open_raw,
    push,
)
from tests.support.running.victim import usual_seconds

FLOODS = [
    (b"", frame(PING) * 10_000),
    (b"", frame(PONG) * 10_000),
    (frame(TEXT, b"", final=False), frame(CONTINUATION, b"", final=False) * 10_000),
    (frame(TEXT, b"zzz"), frame(TEXT, b"[]") * 10_000),  # the first one is why the server closes it
    (b"", frame(TEXT, b'{"type": "pong"}') * 3000),
]


def test_many_small_frames_end_their_connection_and_delay_nobody(victim):
    alone = usual_seconds(lambda: victim.http("GET", "/admin/login/"))
    for first, repeated in FLOODS:
        longest, over = [0.0], threading.Event()
        watch = threading.Thread(target=watch_login, args=(victim, longest, over))
        watch.start()
        with open_raw(victim.port) as raw:
            raw.sendall(first)
            took_all = push(raw, repeated, 6)
            heard = ends(raw, 5)
        time.sleep(0.2)
        over.set()
        watch.join()
        victim.note(f"login page beside {len(repeated)} bytes, times as long", longest[0] / alone, "")
        assert not took_all
        assert heard is not None
        assert longest[0] < max(30 * alone, 1.5)
    victim.answers()


def watch_login(victim, longest: list[float], over: threading.Event) -> None:
    """Keep the longest time that the login page takes."""
    while not over.is_set():
        started = time.perf_counter()
        victim.http("GET", "/admin/login/")
        longest[0] = max(longest[0], time.perf_counter() - started)


def test_pongs_that_nobody_reads_take_no_memory(victim):
    before = victim.memory()
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            raw = stack.enter_context(open_raw(victim.port, SO_RCVBUF=4096))
            push(raw, frame(PING, b"x" * 125) * 400, 10)
        assert victim.peak() - before < 20
    victim.answers()


def test_pings_at_a_usual_rate_are_answered(transactional_db):
    with Server() as server, open_raw(server.port) as raw:
        for number in range(100):
            raw.sendall(frame(PING, b"%d" % number))
            assert raw.recv(100)[2:] == b"%d" % number


def test_too_many_bytes_end_a_connection(transactional_db, monkeypatch):
    monkeypatch.setattr(serving, "BYTES", 200_000)
    with Server() as server, open_raw(server.port) as raw:
        assert not push(raw, frame(TEXT, b'{"type": "pong"}' + b" " * 30_000), 30)


def test_connection_that_was_closed_ends_soon_though_nobody_closes_it(transactional_db):
    with Server() as server, open_raw(server.port) as raw:
        started = time.monotonic()
        raw.sendall(frame(TEXT, b"zzz"))
        assert b"Invalid message" in ends(raw, 8)
        assert time.monotonic() - started < serving.CLOSE_SECONDS + 2


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (UPGRADE + "".join(f"X-{n}: 1\r\n" for n in range(200)) + "\r\n", b" 431 "),
        (UPGRADE + f"Cookie: {'y' * 10_000}\r\n\r\n", b" 431 "),
        (UPGRADE + "Content-Length: 500\r\n\r\n", b" 400 "),
        (UPGRADE + "Transfer-Encoding: chunked\r\n\r\n", b" 400 "),
        (UPGRADE.replace("GET", "POST") + "Content-Length: 5\r\n\r\nhello", b" 400 "),
        (UPGRADE.replace("GET", "POST") + "\r\n", b" 405 "),
    ],
)
def test_upgrade_that_is_none_is_answered_and_ended(transactional_db, asked, status):
    with Server() as server, socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(asked.encode())
        heard = ends(raw, 5)
        assert heard is not None
        assert status in heard[:40]


def test_upgrade_that_nobody_answers_is_ended(transactional_db, monkeypatch):
    async def says_nothing(scope, receive, send):
        while (await receive())["type"] != "websocket.disconnect":
            pass

    monkeypatch.setattr(serving, "HANDSHAKE_SECONDS", 0.3)
    with Server() as server, socket.create_connection(("127.0.0.1", server.port)) as raw:
        server.server.config.loaded_app = says_nothing
        raw.sendall(UPGRADE.encode() + b"\r\n")
        assert ends(raw, 5) == b""


async def test_ping_is_answered_once_what_was_sent_is_read():
    """A large answer that is still being read is no reason to end a connection."""

    async def accepts(scope, receive, send):
        await send({"type": "websocket.accept"})
        await asyncio.Event().wait()

    transport = Mock(**{"is_closing.return_value": False, "get_extra_info.return_value": None})
    connection = serving.LimitedSocket(uvicorn.Config(accepts, log_level="warning"), ServerState(), {})
    connection.connection_made(transport)
    connection.data_received(UPGRADE.encode() + b"\r\n")
    await asyncio.sleep(0)
    connection.pause_writing()
    transport.write.reset_mock()
    for number in range(3):
        connection.data_received(frame(PING, b"%d" % number))
    assert not transport.write.called
    connection.resume_writing()
    transport.write.assert_called_once_with(b"\x8a\x012")
    connection.connection_lost(None)
    for task in connection.tasks:
        task.cancel()
