"""Nobody can fill the disk: a request is refused by its length, or as soon as too much of it came."""

import asyncio

import pytest
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from catalog.models import Shop
from config.asgi_middleware import body_limit, uploads
from config.asgi_middleware.body_limit import REPORT_BYTES, BodyLimit
from config.asgi_middleware.uploads import MEGABYTE
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
        ("/admin/catalog/product/no/such/thing/", MEGABYTE),
        ("/admin/catalog/product/1/delete/", MEGABYTE),
        ("/admin/catalog/product/nothing/change/", MEGABYTE),
        ("/admin/catalog/product/", MEGABYTE),
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


def token_of(*scopes: str) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {bearer(Shop.default(), *scopes)}".encode()


@pytest.mark.parametrize("scopes", [("read",), ("till",), ("recognize",), ("train", "recognize", "till")])
@pytest.mark.parametrize("path", [PRODUCT, "/admin/catalog/product/add/"])
def test_token_brings_no_files_to_the_admin(staff, scopes, path):
    assert send(path, 2 * MEGABYTE, FORM, token_of(*scopes))[0] == 413
    assert send(path, 2 * MEGABYTE, FORM, token_of(*scopes), staff)[0] == 413


@pytest.mark.parametrize("scope", ["read", "till"])
def test_token_without_a_scope_that_takes_files_brings_none_to_the_api(scope):
    assert send("/graphql/", 2 * MEGABYTE, FORM, token_of(scope))[0] == 413


def test_staff_who_may_not_add_photos_bring_none_to_a_product(staff):
    permission = Permission.objects.get(codename="add_productimage")
    anna = get_user_model().objects.get(username="anna")
    anna.user_permissions.remove(permission)
    for group in anna.groups.all():
        group.permissions.remove(permission)
    assert send(PRODUCT, 2 * MEGABYTE, FORM, staff)[0] == 413


def test_one_sender_has_few_large_bodies_under_way_and_others_theirs(staff, monkeypatch):
    """More of one wait until one of its own is done; who waits too long is told to come again."""
    monkeypatch.setattr(uploads, "WAIT_SECONDS", 0.3)
    token, other = token_of("recognize"), token_of("recognize")
    size = MEGABYTE + CHUNK

    async def all_of(senders, refusals, held=0):
        statuses = []
        release, refused = asyncio.Event(), asyncio.Event()

        async def site(scope, receive, send):
            while (message := await receive()).get("more_body"):
                pass
            if message["type"] == "http.disconnect":
                return
            await asyncio.wait_for(release.wait(), 20)
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def one(sender, content_length):
            left = size

            async def receive():
                nonlocal left
                part = min(CHUNK, left)
                left -= part
                return {"type": "http.request", "body": b"x" * part, "more_body": left > 0}

            async def answer(message):
                if message["type"] == "http.response.start":
                    statuses.append((sender, message["status"]))
                if [status for _, status in statuses].count(503) == refusals:
                    refused.set()

            length = ((b"content-length", str(content_length).encode()),) if content_length else ()
            scope = {
                "type": "http",
                "method": "POST",
                "path": "/graphql/",
                "headers": [FORM, sender, *length],
            }
            await BodyLimit(site)(scope, receive, answer)

        tasks = [asyncio.create_task(one(sender, held)) for sender in senders]
        await asyncio.wait_for(refused.wait(), 20)
        release.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 20)
        return statuses

    monkeypatch.setattr(project, "API_UPLOAD_MAX_MEGABYTES", 20)
    statuses = asyncio.run(all_of([token] * 9 + [other], 5))
    assert statuses.count((token, 503)) == 5
    assert statuses.count((token, 200)) == uploads.AT_ONCE
    assert statuses.count((other, 200)) == 1
    assert send("/graphql/", size, FORM, token) == (200, size), "and comes again later"
    statuses = asyncio.run(all_of([token] * 9, 7, 9 * MEGABYTE))
    assert statuses.count((token, 200)) == 2, "all together have no more bytes than one may have"


def test_token_that_holds_brings_files_and_nobody_brings_much_json(staff):
    token = token_of("recognize")
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


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        (PRODUCT, b"text/html", "You are logged out, or may not add photos any more."),
        ("/admin/login/", b"text/html", "This request may have at most"),
        ("/graphql/", b"application/json", '"code": "TOO_LARGE"'),
    ],
)
def test_people_are_refused_with_a_page_and_programs_with_json(path, kind, words):
    answers = []

    async def site(scope, receive, send):
        raise AssertionError("The site is not asked.")

    async def answer(message):
        answers.append(message)

    headers = [FORM, (b"content-length", str(2 * MEGABYTE).encode())]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    asyncio.run(BodyLimit(site)(scope, None, answer))
    assert answers[0]["status"] == 413
    assert dict(answers[0]["headers"])[b"content-type"].startswith(kind)
    assert words in answers[1]["body"].decode()
