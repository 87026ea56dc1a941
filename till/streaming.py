"""Sends files in chunks: under ASGI Django would read a `FileResponse` whole before it sends anything."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import IO

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from ml_training.dataset.stream import in_steps

CHUNK = 256 * 1024  # bytes sent in one step


class Content:
    """A file's content; Django closes it with the answer, also where nobody read it to its end."""

    def __init__(self, file: IO[bytes]):
        self.chunks = iter(partial(file.read, CHUNK), b"")
        self.close = file.close


class Chunks(Content):
    def __iter__(self) -> Iterator[bytes]:
        return self.chunks


class ChunksInSteps(Content):
    def __aiter__(self) -> AsyncIterator[bytes]:
        return in_steps(self.chunks)


def stream(request: HttpRequest, file: IO[bytes], size: int, content_type: str) -> StreamingHttpResponse:
    """An answer with an open file, whose address carries its hash, so that it may be kept for ever."""
    content = ChunksInSteps(file) if isinstance(request, ASGIRequest) else Chunks(file)
    response = StreamingHttpResponse(content, content_type=content_type)
    response["Content-Length"] = str(size)
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
