"""A websocket spoken to frame by frame, to try what a library never sends."""

import contextlib
import socket
import struct

UPGRADE = (
    "GET /graphql/ws/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
)
CONTINUATION, TEXT, PING, PONG = 0, 1, 9, 10


def open_raw(port: int, **options: int) -> socket.socket:
    """A websocket that is open. Options are those of sockets, such as SO_RCVBUF."""
    raw = socket.socket()
    for name, value in options.items():
        raw.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    raw.settimeout(20)
    raw.connect(("127.0.0.1", port))
    raw.sendall(UPGRADE.encode() + b"\r\n")
    assert b" 101 " in raw.recv(1000)
    return raw


def frame(opcode: int, data: bytes = b"", final: bool = True) -> bytes:
    """A frame of a client, with a mask that changes nothing."""
    length = struct.pack(">BH", 0x80 | 126, len(data)) if len(data) > 125 else bytes([0x80 | len(data)])
    return bytes([0x80 * final | opcode]) + length + b"\0\0\0\0" + data


def push(raw: socket.socket, data: bytes, megabytes: float) -> bool:
    """Send so much, over and over; whether all of it was taken."""
    try:
        for _ in range(int(megabytes * 1_000_000 / len(data)) + 1):
            raw.sendall(data)
    except OSError:
        return False
    return True


def ends(raw: socket.socket, seconds: float) -> bytes | None:
    """What is heard until the connection ends; None if it does not, in that time."""
    heard = b""
    raw.settimeout(seconds)
    with contextlib.suppress(ConnectionError):
        try:
            while part := raw.recv(100_000):
                heard += part
        except TimeoutError:
            return None
    return heard
