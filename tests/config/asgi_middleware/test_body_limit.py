"""Nobody can fill the disk: a request is refused by its length, or as soon as too much of it came."""

import asyncio

import pytest
from django.conf import settings as project
from django.test import Client

from catalog.models import Shop
from config.asgi_middleware import body_limit
from config.asgi_middleware.body_limit import MEGABYTE, REPORT_BYTES, BodyLimit
from tests.factories import bearer, make_staff

CHUNK = 32 * 1024
FORM = (b"content-type", b"multipart/form-data; boundary=x")
PRODUCT = "/admin/catalog/product/1/change/"
pytestmark = pytest.mark.django_db(transaction=True)


def send(path: str, sent: int, *headers, pause: float = 0) -> tuple[int, int]:
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
        await asyncio.sleep(pause)
        size = min(CHUNK, left)
        left -= size
        return {"type": "http.request", "body": b"x" * size, "more_body": left > 0}

    async def answer(message):
        answers.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": list(headers)}
    asyncio.run(BodyLimit(site)(scope, receive, answer))
    return answers[0]["status"], seen


def session_of(user) -> tuple[bytes, bytes]:
    client = Client()
    client.force_login(user)
    return cookie(client.cookies[project.SESSION_COOKIE_NAME].value)


def cookie(key: str) -> tuple[bytes, bytes]:
    return b"cookie", f"theme=dark; {project.SESSION_COOKIE_NAME}={key}".encode()


@pytest.fixture
def staff() -> tuple[bytes, bytes]:
    return session_of(make_staff("anna", Shop.default()))


@pytest.fixture(autouse=True)
def small(settings):
    settings.API_UPLOAD_MAX_MEGABYTES = settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    settings.PHOTO_MAX_MEGABYTES = 1


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/v1/runs/1/status", REPORT_BYTES),
        ("/admin/login/", MEGABYTE),
        ("/admin/catalog/shop/1/change/", MEGABYTE),
        ("/till/corrections/", MEGABYTE),
    ],
)
def test_more_than_a_path_takes_is_refused_while_it_comes(staff, path, most):
    assert send(path, most, staff, FORM) == (200, most)
    status, seen = send(path, most + 5 * CHUNK, staff, FORM)
    assert status == 413
    assert seen <= most
    assert send(path, 10, staff, FORM, (b"content-length", str(most + 1).encode())) == (413, 0)


@pytest.mark.parametrize("path", ["/graphql/", PRODUCT])
def test_only_who_is_known_may_bring_files(staff, path):
    large = 2 * MEGABYTE
    customer = make_staff("customer", Shop.default())
    customer.is_staff = False
    customer.save()
    strangers = [
        (),
        (cookie("abc"),),
        (cookie(""),),
        (session_of(customer),),
        ((b"authorization", b"Bearer shs_" + b"x" * 43),),
        ((b"authorization", b"Bearer shr_" + b"x" * 43), staff),
    ]
    for headers in strangers:
        status, seen = send(path, large, FORM, *headers)
        assert (status, seen <= MEGABYTE) == (413, True), headers
        assert send(path, 10, FORM, *headers, (b"content-length", str(large).encode())) == (413, 0)
    assert send(path, large, FORM, staff) == (200, large)
    assert send(path, 3 * MEGABYTE + 1, FORM, staff)[0] == 413, "and no more than so much"


def test_token_that_holds_brings_files_and_nobody_brings_much_json(staff):
    token = (b"authorization", f"Bearer {bearer(Shop.default(), 'read')}".encode())
    assert send("/graphql/", 2 * MEGABYTE, FORM, token) == (200, 2 * MEGABYTE)
    json = (b"content-type", b"application/json")
    for caller in (token, staff):
        assert send("/graphql/", 2 * MEGABYTE, json, caller)[0] == 413
        assert send("/graphql/", MEGABYTE, json, caller)[0] == 200


def test_body_that_trickles_is_given_up(monkeypatch):
    monkeypatch.setattr(body_limit, "PACE_SECONDS", 0.3)
    monkeypatch.setattr(body_limit, "PACE_BYTES", 3 * CHUNK)
    status, seen = send("/admin/login/", MEGABYTE, pause=0.25)
    assert (status, seen <= 2 * CHUNK) == (408, True)
    assert send("/admin/login/", MEGABYTE, pause=0.01) == (200, MEGABYTE), "what comes steadily is taken"
