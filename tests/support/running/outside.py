"""A stand-in for other people's machines: a trainer with a set answer, a host that must not be called."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_HELD = 60  # seconds


class Outside:
    """Context manager: an HTTP server that gives one answer to everything and notes what it was asked."""

    def __init__(self, status: int = 200, body: bytes = b"{}", **headers: str):
        self.requests: list[tuple[str, dict, bytes]] = []  # path, headers, body
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outside.requests.append((self.path, dict(self.headers), content))
                outside._open.wait(MAX_HELD)
                self.send_response(outside.status)
                for name, value in outside.headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(outside.body)))
                self.end_headers()
                self.wfile.write(outside.body)

            do_GET = do_POST = answer

            def log_message(self, *args):
                pass

        self.status, self.body, self.headers = status, body, headers
        self._open = threading.Event()
        self._open.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc_info):
        self._server.shutdown()
        self._server.server_close()

    @contextmanager
    def held(self):
        """Requests get no answer until the end of this."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    @property
    def sent(self) -> dict:
        """The JSON of the last request."""
        return json.loads(self.requests[-1][2])
