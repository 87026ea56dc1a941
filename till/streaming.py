"""Sends files in chunks: under ASGI Django would read a `FileResponse` whole before it sends anything."""

from collections.abc import Iterator
from typing import IO

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from ml_training.dataset.stream import in_steps

CHUNK = 256 * 1024  # bytes sent in one step


def stream(request: HttpRequest, file: IO[bytes], size: int, content_type: str) -> StreamingHttpResponse:
    """An answer with a file whose address carries its hash, so that it may be kept for ever.

    Args:
        file: open; it is closed once it was sent, or once the answer is given up.
    """
    chunks = _chunks(file)
    content = in_steps(chunks) if isinstance(request, ASGIRequest) else chunks
    response = StreamingHttpResponse(content, content_type=content_type)
    response["Content-Length"] = str(size)
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
