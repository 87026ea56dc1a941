"""How the web server reads websockets: with limits to what one connection may send, and to how long it ends.

uvicorn itself limits the size of a message only. Pings, pongs and empty pieces of a message have hardly any,
and each of them takes as long to read as a message.
"""

import asyncio
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import ProtocolError
from websockets.frames import CloseCode, Frame
from websockets.server import ServerProtocol

from config.serving.allowance import Allowance

FRAMES, FRAMES_A_SECOND = 500, 50  # of any kind
BYTES, BYTES_A_SECOND = 4 * 1024 * 1024, 256 * 1024
HANDSHAKE_SECONDS = 20  # that the answer to an upgrade may take
CLOSE_SECONDS = 2  # that a closed connection stays, for the other side to close it too
UNREAD_SECONDS = 20  # the same when the other side has not read yet what it was sent
TOO_MUCH = "Too much at once; send less"


class CountedFrames(ServerProtocol):
    """Reads frames, and gives up in the midst of what has arrived as soon as it is too much."""

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.frames_left = Allowance(FRAMES, FRAMES_A_SECOND)

    def recv_frame(self, frame: Frame) -> None:
        if self.frames_left.take():
            super().recv_frame(frame)
        else:
            self.give_up()

    def give_up(self) -> None:
        """Close with 1008, unless that has been done, and drop whatever arrives: uvicorn ends it then."""
        self.fail(CloseCode.POLICY_VIOLATION, TOO_MUCH)
        self.parser_exc = ProtocolError(TOO_MUCH)


class LimitedSocket(WebSocketsSansIOProtocol):
    """One websocket, from the request that asks for it. Once it is closed, however that is, it ends soon."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        usual = self.conn
        self.conn = CountedFrames(
            extensions=usual.available_extensions, max_size=self.config.ws_max_size, logger=usual.logger
        )
        self.bytes_left = Allowance(BYTES, BYTES_A_SECOND)
        self.close_timeout = CLOSE_SECONDS
        self.unsent_pong = b""
        self.handshake_timer: asyncio.TimerHandle | None = None
        self.end_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.handshake_timer = self.loop.call_later(HANDSHAKE_SECONDS, self._end_handshake)

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in filter(None, [self.handshake_timer, self.end_timer]):
            timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.handshake_initiated and not self.handshake_complete:  # a client has to wait for the answer
            self.transport.abort()
            return
        if not self.bytes_left.take(len(data)):
            cast("CountedFrames", self.conn).give_up()
        super().data_received(data)
        if self.conn.handshake_exc is not None:
            self._refuse_handshake()
        self._end_if_closed()

    def handle_ping(self) -> None:
        """Answer, or else when what was sent has been read: only the latest pings, as RFC 6455 has it."""
        self.unsent_pong = b"".join(self.conn.data_to_send()) or self.unsent_pong
        self._send_pong()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._send_pong()

    async def send(self, message: Any) -> None:
        await super().send(message)
        self._end_if_closed()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._end_if_closed()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._end_if_closed()

    def _send_pong(self) -> None:
        if self.writable.is_set() and self.unsent_pong:
            self.transport.write(self.unsent_pong)
            self.unsent_pong = b""

    def _refuse_handshake(self) -> None:
        if not self.transport.is_closing():
            answer = b"".join(self.conn.data_to_send())
            usual = STATUS_LINE[HTTPStatus.BAD_REQUEST] + b"connection: close\r\ncontent-length: 0\r\n\r\n"
            self.transport.write(answer or usual)
            self.transport.close()

    def _end_handshake(self) -> None:
        if not self.handshake_complete:
            self.transport.abort()

    def _end_if_closed(self) -> None:
        if self.end_timer is None and (self.close_sent or self.transport.is_closing()):
            seconds = UNREAD_SECONDS if self.transport.get_write_buffer_size() else CLOSE_SECONDS
            self.end_timer = self.loop.call_later(seconds, self.transport.abort)
