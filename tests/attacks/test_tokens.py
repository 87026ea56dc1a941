"""Tokens: more than a person may give, forms of two people at once, secrets that are used after their end."""

import base64
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from catalog.tokens import ApiToken
from tests.factories import make_shop, make_staff
from tests.support.running.victim import ROUNDS, cookie_of, refused_code
from tests.support.running.visitors import Browser, at_once

ADD, FORM = "/admin/catalog/apitoken/add/", "apitoken_form"
SCOPES = ["read", "recognize", "train", "till"]
CLERK_MAY = ["add_apitoken", "view_apitoken", "recognize_product", "view_product", "view_productimage"]
SHOPS = "{ shops { totalCount } }"


@pytest.fixture
def clerk(victim) -> str:
    """The cookie of somebody who may give tokens, and may not train."""
    clerk = make_staff("clerk", victim.shop, permissions=False)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=CLERK_MAY))
    return cookie_of(clerk)


def test_beside_a_superuser_nobody_gives_more_than_they_may(victim, clerk):
    boss = Browser(victim.url, cookie=victim.cookie)
    small = [Browser(victim.url, cookie=clerk) for _ in range(2)]
    for _ in range(10 * ROUNDS):
        at_once(
            partial(boss.get, ADD),
            *(partial(one.fill_in, ADD, FORM, name="clerk's", scopes=SCOPES) for one in small),
            partial(boss.fill_in, ADD, FORM, name="boss's", scopes=SCOPES),
        )
    given = ApiToken.objects.filter(created_by__username="clerk")
    assert [token.scopes for token in given if set(token.scopes) & {"train", "till"}] == []
    assert ApiToken.objects.filter(name="boss's", scopes=SCOPES).count() == 10 * ROUNDS
    assert small[0].fill_in(ADD, FORM, name="clerk's", scopes=["recognize"]).status_code == 200
    assert [token.scopes for token in ApiToken.objects.filter(name="clerk's")] == [["recognize"]]
    victim.answers()


def test_odd_ends_of_tokens_are_refused_or_hold(victim):
    browser, last = Browser(victim.url, cookie=victim.cookie), ("2099-12-31", "23:59:59")
    for day, time in (
        last,
        ("2020-01-01", "00:00:00"),
        ("0001-01-01", "00:00:00"),
        ("9999-12-31", "23:59:59"),
        ("2030-02-30", "25:00:00"),
        ("٢٠٣٠-01-01", "\x00"),
        ("2030-01-01" * 1000, ""),
    ):
        answer = browser.fill_in(ADD, FORM, name="x", scopes=["read"], expires_at_0=day, expires_at_1=time)
        assert answer.status_code == 200
        assert (ApiToken.objects.filter(name="x").delete()[0] > 0) == ((day, time) == last), (day, time)
    victim.answers()


def test_secrets_that_are_nearly_right_open_nothing(victim):
    secret = victim.token
    nearly = [
        secret[:-1],
        secret + "0",
        secret.upper(),
        secret[:12],
        secret[:12] + "0" * 32,
        "shs_",
        "\xff",
        "ß" * 50,
    ]
    for text in nearly:
        for header in (f"Bearer {text}", f"bearer  {text}", f"Basic {text}", text):
            answer = victim.http(
                "POST", "/graphql/", json={"query": SHOPS}, headers={"Authorization": header.encode()}
            )
            assert (answer.status_code, refused_code(answer)) == (401, "UNAUTHENTICATED"), header
    for path in (f"/graphql/?token={secret}", f"/graphql/?access_token={secret}"):
        assert victim.http("POST", path, json={"query": SHOPS}).status_code == 401
    victim.answers()


def test_a_token_opens_what_its_scope_says_in_its_own_shop_and_nothing_else(victim):
    other = make_shop("far", products=1, photos=1)
    asks = {
        "{ products { totalCount } }": {"read", "train"},
        "mutation { extractPhotosForTraining { __typename } }": {"train"},
    }
    for scope in SCOPES:
        secret = ApiToken.make(victim.shop, scope, [scope])[1]
        for query, enough in asks.items():
            answer = victim.ask(query, token=secret)
            assert (refused_code(answer) != "FORBIDDEN") == (scope in enough), (scope, query)
        head = {"Authorization": f"Bearer {secret}"}
        assert (victim.http("GET", "/till/state.json", headers=head).status_code == 200) == (scope == "till")
        assert victim.http("GET", "/admin/", headers=head).status_code == 302
    far = other.products.first()
    node = base64.b64encode(f"Product:{far.pk}".encode()).decode()
    for query in (
        f'{{ node(id: "{node}") {{ ... on Product {{ name }} }} }}',
        f'{{ products(shopId: "{other.pk}") {{ edges {{ node {{ name }} }} }} }}',
        f'{{ mlTrainingManifest(shopId: "{other.pk}") {{ __typename }} }}',
    ):
        answer = victim.ask(query)
        assert refused_code(answer) in {"NOT_FOUND", "FORBIDDEN"} or "null" in answer.text, answer.text
        assert far.name not in answer.text
    victim.answers()


def test_a_token_holds_no_longer_than_it_says(victim):
    soon = timezone.now() + timedelta(seconds=3)
    secret = ApiToken.make(victim.shop, "short", ["read"], expires_at=soon)[1]
    assert victim.ask(SHOPS, token=secret).status_code == 200
    ApiToken.objects.filter(name="short").update(expires_at=timezone.now())
    assert victim.ask(SHOPS, token=secret).status_code == 401
