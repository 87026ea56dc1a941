"""How the web server reads requests: with limits to what comes before a request is complete.

uvicorn itself has none for a client that connects and says nothing, or half a header, nor for what a body in
chunks has around them.
"""

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_SECONDS = 20  # that a request's line and headers may take, also of the next one on a connection
HEAD_BYTES = 64 * 1024  # of all of them together; Django's own limits are below that
NO_BODY = "A request for a websocket has no body."


class LimitedHttp(HttpToolsProtocol):
    """One connection. It waits for a head from when it opens, and again once a response is complete."""

    head_timer: asyncio.TimerHandle | None = None
    head_bytes = 0  # of the head; afterwards of what is no body, less the body: sizes of chunks, trailers
    is_waiting = True
    is_in_head = True  # of a request, also of one that another is answered before

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.head_bytes += len(data)
        super().data_received(data)
        if self.head_bytes > HEAD_BYTES:
            self._end(431)

    def on_message_begin(self) -> None:
        self.is_in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. Trailers, which come after the body, are dropped: they are none of the request's."""
        if self.is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self.is_in_head = False
        if self._is_for_websocket():  # it is complete once it is handed on; until then it is waited for
            if {name for name, _ in self.headers} & {b"content-length", b"transfer-encoding"}:
                self.send_400_response(NO_BODY)
        else:
            self._head_is_over()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        self._head_is_over()
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()  # an earlier request of this connection is still being answered
        if not self.transport.is_closing():
            super().handle_websocket_upgrade()

    def on_body(self, body: bytes) -> None:
        if not self.is_waiting:
            self.head_bytes = max(0, self.head_bytes - 2 * len(body))
        super().on_body(body)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete):
            self._await_head()

    def _is_for_websocket(self) -> bool:
        return self.parser.should_upgrade() and self._should_upgrade()

    def _head_is_over(self) -> None:
        self._stop_timer()
        self.is_waiting, self.head_bytes = False, 0

    def _await_head(self) -> None:
        self._stop_timer()
        self.is_waiting, self.head_bytes = True, 0
        self.head_timer = self.loop.call_later(HEAD_SECONDS, self._end, 408)

    def _stop_timer(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _end(self, status: int) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(STATUS_LINE[status] + b"connection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()
