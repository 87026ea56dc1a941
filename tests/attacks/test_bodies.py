"""Bodies: large ones of nobody, and connections that say nothing or hardly anything."""

import contextlib
import socket
import threading
import time

import pytest

from catalog.models import Shop
from config.serving import protocol
from tests.factories import bearer
from tests.support.api import Server
from tests.support.running.raw_socket import push
from tests.support.running.victim import usual_seconds

MEGABYTE = 1024 * 1024


def send_raw(port: int, head: str, body_bytes: int) -> bytes:
    """Send a request with a body of so many bytes, as far as it is taken; what is answered."""
    answer = b""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as raw,
        contextlib.suppress(ConnectionError),
    ):
        raw.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        chunk = b"x" * MEGABYTE
        try:
            for _ in range(body_bytes // MEGABYTE):
                raw.sendall(chunk)
        except ConnectionError:
            pass
        answer = raw.recv(1000)
    return answer


def test_large_bodies_of_strangers_take_neither_memory_nor_time(victim):
    before = victim.memory()
    alone = usual_seconds(lambda: victim.http("GET", "/admin/login/"))
    heads = [
        f"POST {path} HTTP/1.1\nHost: 127.0.0.1\nContent-Type: multipart/form-data; boundary=x\n"
        f"Content-Length: {500 * MEGABYTE}{extra}"
        for path in (
            "/graphql/",
            "/admin/login/",
            "/admin/catalog/product/add/",
            "/till/corrections/",
            "/v1/runs/1/status",
        )
        for extra in ("", "\nCookie: sessionid=made-up", "\nAuthorization: Bearer shs_made_up")
    ]
    attackers = [threading.Thread(target=send_raw, args=(victim.port, head, 50 * MEGABYTE)) for head in heads]
    for attacker in attackers:
        attacker.start()
    disturbed = usual_seconds(lambda: victim.http("GET", "/admin/login/"))
    for attacker in attackers:
        attacker.join(60)
    victim.note("memory beyond that before, 15 bodies of 50 MB", victim.peak() - before, "MB")
    victim.note("login page beside them, times as long", disturbed / alone, "")
    assert victim.peak() - before < 50
    assert disturbed < max(30 * alone, 1.0)
    for head in heads[:3]:
        assert b" 413 " in send_raw(victim.port, head, 0)
    victim.answers()


def test_chunked_body_of_a_stranger_ends_at_a_megabyte(victim):
    def parts():
        for _ in range(400):
            sent.append(1)
            yield b"x" * 64 * 1024

    sent: list[int] = []
    before = victim.memory()
    with contextlib.suppress(Exception):  # the connection may end before the answer is read
        victim.http(
            "POST", "/graphql/", content=parts(), headers={"Content-Type": "multipart/form-data; boundary=x"}
        )
    assert victim.memory() - before < 30
    victim.answers()


def test_tokens_spool_nothing_where_they_bring_no_files(victim):
    """Neither in the admin, which knows sessions only, nor where no files are taken at all."""
    taken = {"/graphql/": ("recognize",)}
    for path in (
        "/admin/catalog/product/add/",
        "/admin/catalog/product/1/change/",
        "/admin/catalog/product/no/such/thing/",
        "/admin/catalog/product/1/delete/",
        "/graphql/",
        "/till/corrections/",
    ):
        for scope in ("till", "read", "recognize"):
            head = (
                f"POST {path} HTTP/1.1\nHost: 127.0.0.1\nContent-Type: multipart/form-data; boundary=x\n"
                f"Authorization: Bearer {bearer(victim.shop, scope)}\nContent-Length: {3 * MEGABYTE}"
            )
            answer = send_raw(victim.port, head, 3 * MEGABYTE)
            assert (b" 413 " in answer) == (scope not in taken.get(path, ())), (path, scope)
    victim.answers()


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost: a", b"GET /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"]
)
def test_connection_that_says_nothing_more_is_ended(transactional_db, monkeypatch, sent):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with Server() as server, socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        raw.sendall(sent)
        heard = b""
        while part := raw.recv(100_000):
            heard += part
        assert b" 408 " in heard or heard == b""
        if sent.endswith(b"\r\n\r\n"):
            assert heard.startswith(b"HTTP/1.1 200")


def test_head_that_never_ends_is_refused(transactional_db):
    with Server() as server, socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(10_000):
                raw.sendall(b"X-Header: " + b"x" * 1000 + b"\r\n")
        with contextlib.suppress(ConnectionError):
            assert b" 431 " in raw.recv(1000)
        assert _ended(raw)


def _ended(raw: socket.socket) -> bool:
    try:
        for _ in range(100):
            raw.sendall(b"x")
            time.sleep(0.01)
    except ConnectionError:
        return True
    return False


def test_requests_that_follow_each_other_on_a_connection_are_answered(transactional_db, monkeypatch):
    """The limit is one of a head, not of a connection."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 2)
    with Server() as server, socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        for _ in range(5):
            raw.sendall(b"HEAD /till/sw.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert raw.recv(10_000).startswith(b"HTTP/1.1 ")
            time.sleep(0.5)


@pytest.mark.parametrize(
    ("first", "repeated"),
    [
        (b"0\r\n", b"X-Trailer: " + b"y" * 8000 + b"\r\n"),
        (b"0\r\nX-Trailer: ", b"y" * 8000),
        (b"5;a=", b"y" * 8000),
        (b"", b"1;a=bcdefghijkl\r\nx\r\n" * 500),
    ],
)
def test_what_chunks_have_around_them_is_limited(transactional_db, first, repeated):
    head = b"POST /graphql/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Server() as server, socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        raw.sendall(head + first)
        assert not push(raw, repeated, 20)


def test_trailers_are_no_headers(transactional_db):
    """They come from whoever sends the body, past a proxy that has set the headers."""
    body = b'{"query": "{ shops { totalCount } }"}'
    token = bearer(Shop.default(), "read").encode()
    head = b"POST /graphql/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
    head += b"Content-Type: application/json\r\n"
    chunked = b"%x\r\n%s\r\n0\r\n" % (len(body), body)
    shown = b"Authorization: Bearer " + token + b"\r\n"
    with Server() as server:
        for sent, status in (
            (head + b"\r\n" + chunked + shown + b"\r\n", b" 401 "),
            (head + shown + b"\r\n" + chunked + b"X-Checksum: 1\r\n\r\n", b" 200 "),
        ):
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
                raw.sendall(sent)
                assert status in raw.recv(1000)
