"""Bearer tokens: hashed, scoped, used at most once a minute in writing."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from catalog.tokens import ApiToken
from tests.factories import add_photo, bearer, expired, make_shop, revoked
from tests.support.api import ask, code, data, post

SHOPS = "{ shops { edges { node { slug } } } }"


def test_secret_is_long_random_and_kept_as_a_hash(shop):
    one, two = bearer(shop), bearer(shop)
    assert one != two
    assert one.startswith("shs_")
    assert len(one) >= 4 + 43
    assert ApiToken.find(one).prefix == one[:10]
    assert ApiToken.find(one[:-1]) is None


@pytest.mark.parametrize("scopes", [[], ["write"], ["read", "root"]])
def test_scopes_are_those_there_are(shop, scopes):
    with pytest.raises(ValidationError):
        ApiToken.make(shop, "Till", scopes)


def test_use_is_noted_at_most_once_a_minute(shop, django_assert_num_queries):
    secret = bearer(shop)
    ask(SHOPS, token=secret)
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    with django_assert_num_queries(3):  # the token, how many shops, the shops
        ask(SHOPS, token=secret)
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    ask(SHOPS, token=secret)
    assert ApiToken.objects.get().last_used_at > first


@pytest.mark.parametrize("make", [expired, revoked])
def test_token_that_does_not_hold_is_nobody(shop, make):
    assert code(ask(SHOPS, token=make(shop))) == "UNAUTHENTICATED"
    assert ApiToken.objects.get().last_used_at is None


@pytest.mark.parametrize("value", ["shs_", "shs_wrong", "x", "shr_" + "a" * 43, "a" * 100_000, "shs_\x00"])
def test_made_up_value_is_nobody(shop, value):
    assert code(ask(SHOPS, token=value)) == "UNAUTHENTICATED"


def test_token_counts_alone_and_the_session_beside_it_does_not(staff_client, shop):
    other = make_shop("elsewhere")
    answer = data(ask(SHOPS, token=bearer(other), client=staff_client))
    assert [edge["node"]["slug"] for edge in answer["shops"]["edges"]] == ["elsewhere"]
    assert code(ask(SHOPS, token=revoked(other), client=staff_client)) == "UNAUTHENTICATED"


def test_session_needs_a_csrf_token_and_a_bearer_token_does_not(staff, shop):
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff)
    response = post(SHOPS, client=client)
    assert response.status_code == 403
    assert code(response.json()) == "FORBIDDEN"
    client.get("/graphql/")
    csrf = client.cookies["csrftoken"].value
    sent = {"query": SHOPS}
    response = client.post("/graphql/", sent, content_type="application/json", headers={"X-CSRFToken": csrf})
    assert "errors" not in response.json()
    assert "errors" not in ask(SHOPS, token=bearer(shop), client=Client(enforce_csrf_checks=True))


@pytest.mark.parametrize("scope", ["read", "train", "recognize"])
def test_photo_is_fetched_with_a_token_of_its_shop(shop, scope):
    (product,) = make_shop("milk", products=1).products.all()
    photo = add_photo(product)
    url = f"/photos/{photo.pk}/{photo.sha256}/"
    headers = {"Authorization": f"Bearer {bearer(product.shop, scope)}"}
    response = Client().get(url, headers=headers)
    assert response.status_code == (403 if scope == "recognize" else 200)
    if scope != "recognize":
        assert response.getvalue() == photo.image.read()
    stranger = {"Authorization": f"Bearer {bearer(shop, scope)}"}
    assert Client().get(url, headers=stranger).status_code in {403, 404}
    gone = Client().get(url, headers={"Authorization": f"Bearer {expired(product.shop, scope)}"})
    assert gone.status_code == 401
    assert gone["WWW-Authenticate"].startswith("Bearer")
    assert gone.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
