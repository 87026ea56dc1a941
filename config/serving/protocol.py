"""How the web server reads requests: with limits to what comes before a request is complete.

uvicorn itself has none for a client that connects and says nothing, or half a header.
"""

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_SECONDS = 20  # that a request's line and headers may take, also of the next one on a connection
HEAD_BYTES = 64 * 1024  # of all of them together; Django's own limits are below that


class LimitedHttp(HttpToolsProtocol):
    """One connection. It waits for a head from when it opens, and again once a response is complete."""

    head_timer: asyncio.TimerHandle | None = None
    head_bytes = 0
    is_waiting = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.is_waiting:
            self.head_bytes += len(data)
        super().data_received(data)
        if self.is_waiting and self.head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self._end(431)

    def on_headers_complete(self) -> None:
        self._stop_timer()
        self.is_waiting = False
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete):
            self._await_head()

    def _await_head(self) -> None:
        self._stop_timer()
        self.is_waiting, self.head_bytes = True, 0
        self.head_timer = self.loop.call_later(HEAD_SECONDS, self._end, 408)

    def _stop_timer(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _end(self, status: int) -> None:
        if not self.transport.is_closing():
            self.transport.write(STATUS_LINE[status] + b"connection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()
