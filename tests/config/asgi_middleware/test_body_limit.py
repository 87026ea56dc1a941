"""Nobody can fill the disk: a request is refused by its length, or as soon as too much of it came."""

import asyncio

import pytest

from config.asgi_middleware.body_limit import MEGABYTE, REPORT_BYTES, BodyLimit

CHUNK = 32 * 1024
SESSION = [(b"cookie", b"theme=dark; sessionid=abc")]


def send(path: str, sent: int, headers=()) -> tuple[int, int]:
    """Send so many bytes without saying how many they are; the status, and the bytes the site saw."""
    seen, answers = 0, []

    async def site(scope, receive, send):
        nonlocal seen
        while (message := await receive())["type"] == "http.request":
            seen += len(message["body"])
            if not message["more_body"]:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                return

    left = sent

    async def receive():
        nonlocal left
        size = min(CHUNK, left)
        left -= size
        return {"type": "http.request", "body": b"x" * size, "more_body": left > 0}

    async def answer(message):
        answers.append(message)

    asyncio.run(BodyLimit(site)({"type": "http", "path": path, "headers": list(headers)}, receive, answer))
    return answers[0]["status"], seen


@pytest.mark.parametrize(
    ("path", "headers", "most"),
    [
        ("/v1/runs/1/status", (), REPORT_BYTES),
        ("/v1/runs/1/status", SESSION, REPORT_BYTES),
        ("/admin/login/", (), MEGABYTE),
        ("/till/corrections/", SESSION, MEGABYTE),
        ("/graphql/", (), 2 * MEGABYTE),
    ],
)
def test_more_than_a_path_takes_is_refused_while_it_comes(settings, path, headers, most):
    settings.API_UPLOAD_MAX_MEGABYTES = 1
    assert send(path, most, headers) == (200, most)
    status, seen = send(path, most + 5 * CHUNK, headers)
    assert status == 413
    assert seen <= most
    length = [(b"content-length", str(most + 1).encode())]
    assert send(path, 10, [*headers, *length]) == (413, 0)


def test_staff_may_bring_many_photos(settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES, settings.PHOTO_MAX_MEGABYTES = 3, 1
    assert send("/admin/catalog/product/1/change/", 3 * MEGABYTE, SESSION) == (200, 3 * MEGABYTE)
    assert send("/admin/catalog/product/1/change/", 5 * MEGABYTE, SESSION)[0] == 413
