"""Files are sent in steps, and closed when the answer is over, however it ends."""

import io

import pytest
from django.http import StreamingHttpResponse
from django.test import AsyncRequestFactory, RequestFactory

from till.streaming import CHUNK, stream

pytestmark = pytest.mark.django_db  # the end of an answer closes old connections
CONTENT = bytes(range(256)) * 3 * 1024 * 2  # six chunks


@pytest.fixture
def file() -> io.BytesIO:
    return io.BytesIO(CONTENT)


def answer(factory, file) -> StreamingHttpResponse:
    return stream(factory.get("/"), file, len(CONTENT), "application/octet-stream")


def test_content_comes_whole_in_chunks_without_asgi(file):
    response = answer(RequestFactory(), file)
    chunks = list(response.streaming_content)
    assert b"".join(chunks) == CONTENT
    assert [len(chunk) for chunk in chunks] == [CHUNK] * (len(CONTENT) // CHUNK)
    assert response["Content-Length"] == str(len(CONTENT))
    response.close()
    assert file.closed


async def test_content_comes_whole_in_chunks_under_asgi(file):
    response = answer(AsyncRequestFactory(), file)
    assert response.is_async
    chunks = [chunk async for chunk in response.streaming_content]
    assert b"".join(chunks) == CONTENT
    assert max(map(len, chunks)) == CHUNK
    response.close()
    assert file.closed


@pytest.mark.parametrize("factory", [RequestFactory(), AsyncRequestFactory()])
def test_file_of_an_answer_that_nobody_read_is_closed(file, factory):
    answer(factory, file).close()
    assert file.closed
