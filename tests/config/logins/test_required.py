"""With SECOND_FACTOR nobody of the staff does anything without a code, wherever a session is shown."""

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth import aget_user
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from catalog.models import ProductImage, Shop
from config.logins.backends import PasswordAlone, PasswordAndCode
from config.logins.second_factor import has_second_factor
from tests.factories import bearer, make_staff, stock
from tests.support.api import ask, data
from tests.support.pages.live_page import Page
from tests.support.pages.logins import (
    CODE,
    HOME,
    TWO_STEP,
    app_code,
    give_phone,
    is_in,
    key_on,
    log_in,
    next_code,
    opens_admin,
    recovery_codes_on,
)
from tests.support.talk import Talk

SHOPS = "{ shops { edges { node { name } } } }"


@pytest.fixture
def anna(shop):
    return make_staff("anna", shop)


@pytest.fixture
def earlier(anna):
    """A session that was opened by password before the setting was switched on."""
    client = Client()
    assert is_in(log_in("anna", "password", client=client))
    return client


@pytest.fixture
def required(settings):
    settings.SECOND_FACTOR = True


def refused(client: Client, shop) -> dict[str, bool]:
    """Whether each place where a session is shown turns it away."""
    photo = ProductImage.objects.first() or stock(shop, 1, 1)[0].images.first()
    return {
        "admin": client.get(HOME).status_code == 302,
        "page": client.get(reverse("admin:ml_model")).status_code == 302,
        "password": client.get(reverse("admin:password_change")).status_code == 302,
        "photo": client.get(reverse("photo", args=[photo.pk, photo.sha256])).status_code == 302,
        "console": client.get("/graphql/").status_code == 302,
        "till": client.get("/till/state.json").status_code == 401,
        "correction": client.post("/till/corrections/").status_code == 401,
        "graphql": "errors" in ask(SHOPS, client=client),
    }


@pytest.mark.django_db
def test_a_session_from_before_opens_nothing_any_more(earlier, shop, required):
    assert all(refused(earlier, shop).values())


@pytest.mark.django_db
def test_a_session_by_password_opens_everything_while_nothing_more_is_asked(earlier, shop):
    assert not any(refused(earlier, shop).values())


@pytest.mark.django_db
def test_who_has_none_is_led_to_set_it_up_and_can_do_nothing_before(anna, shop, required):
    client = Client()
    told = {"username": "anna", "password": "password", "next": "/till/"}
    page = client.post("/admin/login/", told)
    assert page.url.startswith(TWO_STEP)
    setting_up = client.get(page.url)
    assert "nothing else can be done before" in setting_up.text
    assert "password_change" not in setting_up.text
    assert all(refused(client, shop).values())
    shown = client.post(page.url, {"code": app_code(key_on(setting_up))})
    assert '<a class="button" href="/till/">' in shown.text
    assert len(recovery_codes_on(shown)) == 10
    assert not any(refused(client, shop).values())


@pytest.mark.django_db
def test_a_wrong_code_sets_nothing_up(anna, required):
    client = Client()
    log_in("anna", "password", client=client)
    client.get(TWO_STEP)
    assert "This code is not right" in client.post(TWO_STEP, {"code": "000000"}).text
    assert not has_second_factor(anna)
    assert not opens_admin(client)


@pytest.mark.django_db
def test_who_has_one_logs_in_with_it_and_may_take_another_phone(anna, shop, required):
    give_phone(anna)
    client = Client()
    assert log_in("anna", "password", client=client).url.startswith(CODE)
    assert all(refused(client, shop).values())
    client.post(CODE, {"code": next_code(anna)})
    assert not any(refused(client, shop).values())
    assert "Set up another phone" in client.get(TWO_STEP).text
    assert client.post(TWO_STEP, {"act": "off", "proof": "password"}).url == TWO_STEP
    assert all(refused(client, shop).values())
    key = key_on(client.get(TWO_STEP))
    client.post(TWO_STEP, {"code": app_code(key)})
    assert not any(refused(client, shop).values())


@pytest.mark.django_db
def test_tokens_are_not_concerned(shop, required):
    answer = data(ask(SHOPS, token=bearer(shop, "read")))
    assert answer["shops"]["edges"]


@pytest.mark.django_db
def test_a_session_costs_one_query_for_the_person(anna, django_assert_num_queries):
    for backend, found in ((PasswordAlone(), anna), (PasswordAndCode(), None)):
        with django_assert_num_queries(1):
            assert backend.get_user(anna.pk) == found


@pytest.mark.django_db(transaction=True)
async def test_the_session_is_nobodys_for_asynchronous_code_too(shop, settings):
    session = await database_sync_to_async(session_of)("anna", shop)
    request = HttpRequest()
    request.session = session
    assert (await aget_user(request)).is_authenticated
    settings.SECOND_FACTOR = True
    assert not (await aget_user(request)).is_authenticated


def session_of(name: str, shop):
    make_staff(name, shop)
    client = Client()
    log_in(name, "password", client=client)
    return client.session


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("fresh_layer")
async def test_the_socket_of_the_admin_is_closed(shop, settings):
    user = await database_sync_to_async(make_staff)("anna", shop)
    page = await database_sync_to_async(Page)(user)
    settings.SECOND_FACTOR = True
    await page.connect(timeout=10)
    assert await page.receive_output(timeout=10) == {"type": "websocket.close", "code": 4403}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_required", [False, True])
async def test_the_socket_of_the_api_takes_the_session_only_with_a_code(server, settings, is_required):
    session = await database_sync_to_async(lambda: session_of("anna", Shop.default()))()
    settings.SECOND_FACTOR = is_required
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session.session_key}"}
    origin = server.url.removesuffix("/graphql/")
    async with Talk(server.socket_url, additional_headers=headers, origin=origin) as talk:
        await talk.say({"type": "connection_init"})
        if is_required:
            assert await talk.close_code() == 4403
        else:
            assert await talk.hear() == {"type": "connection_ack"}
