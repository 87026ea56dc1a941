"""Who may use a till: devices with its scope, staff with the permission; others get a sentence, no page."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from catalog.tokens import ApiToken
from tests.factories import add_photo, bearer, expired, make_staff, revoked
from tests.support.api import ask, code
from tests.support.tills import correction, get, headers_of, send

STATE = reverse("till-state")


@pytest.fixture
def addresses(served, shelf_products) -> list[str]:
    photo = shelf_products[0].images.first()
    return [
        STATE,
        reverse("till-file", args=[served.files["head_onnx"]["sha256"]]),
        reverse("till-thumbnail", args=[photo.pk, photo.sha256]),
    ]


def clerk(shop, *codenames: str):
    user = make_staff("clerk", shop, permissions=False)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


def test_till_and_clerk_get_what_the_page_needs(addresses, till, shop):
    client = clerk(shop, "recognize_product")
    for address in addresses:
        assert get(address, till.secret).status_code == 200
        assert client.get(address).status_code == 200


def test_nobody_is_refused_with_a_sentence_and_no_login_page(addresses):
    for address in [*addresses]:
        answer = get(address)
        assert (answer.status_code, code(answer.json())) == (401, "UNAUTHENTICATED")
        assert answer["WWW-Authenticate"].startswith("Bearer")
    answer = Client().post(reverse("till-corrections"))
    assert (answer.status_code, code(answer.json())) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("make", [expired, revoked])
def test_token_that_holds_no_longer_is_refused(addresses, shop, shelf_products, make):
    secret = make(shop, "till")
    for address in addresses:
        assert get(address, secret).status_code == 401
    assert send(correction(None, shelf_products[0]), secret).status_code == 401


@pytest.mark.parametrize("scope", ["read", "recognize", "train"])
def test_token_of_another_scope_is_no_till(addresses, shop, shelf_products, scope):
    secret = bearer(shop, scope)
    for address in addresses:
        answer = get(address, secret)
        assert (answer.status_code, code(answer.json())) == (403, "FORBIDDEN")
    assert send(correction(None, shelf_products[0]), secret).status_code == 403


def test_staff_without_the_permission_are_refused(addresses, shop):
    client = clerk(shop, "view_product", "view_productimage", "view_modelversion", "view_trainingrun")
    for address in addresses:
        answer = client.get(address)
        assert (answer.status_code, code(answer.json())) == (403, "FORBIDDEN")


def test_staff_and_tills_of_another_shop_find_nothing_of_this_one(addresses, shop, other_shop):
    client, secret = clerk(other_shop, "recognize_product"), bearer(other_shop, "till")
    for address in addresses[1:]:
        assert client.get(address).status_code == 404
        assert get(address, secret).status_code == 404
    assert get(f"{STATE}?shop={shop.slug}", secret).status_code == 404
    assert client.get(f"{STATE}?shop={shop.slug}").status_code == 404
    assert client.get(STATE).json()["products"] == []


def test_staff_of_no_shop_are_told_so(db):
    answer = clerk_of_none().get(STATE)
    assert (answer.status_code, code(answer.json())) == (404, "NOT_FOUND")


def clerk_of_none():
    user = make_staff("lonely")
    client = Client()
    client.force_login(user)
    return client


def test_staff_of_several_shops_are_asked_which_and_then_served(addresses, shop, other_shop):
    client = Client()
    client.force_login(make_staff("both", shop, other_shop))
    answer = client.get(STATE)
    assert (answer.status_code, code(answer.json())) == (400, "SHOP_REQUIRED")
    assert answer.json()["shops"] == [
        {"slug": found.slug, "name": found.name} for found in sorted((shop, other_shop), key=lambda s: s.name)
    ]
    state = client.get(f"{STATE}?shop={shop.slug}").json()
    assert state["shop"]["slug"] == shop.slug
    for address in (state["model"]["head"]["url"], state["products"][0]["thumbnail"]):
        assert client.get(address).status_code == 200, "as the state says it, without a shop"
        assert client.get(f"{address}?shop={shop.slug}").status_code == 200
        assert client.get(f"{address}?shop={other_shop.slug}").status_code == 404


def test_session_needs_the_csrf_token_and_a_bearer_token_does_not(till, shop, shelf_products):
    client = clerk(shop, "recognize_product")
    fields = correction(shelf_products[0], shelf_products[1])
    answer = client.post(reverse("till-corrections"), fields)
    assert (answer.status_code, code(answer.json())) == (403, "FORBIDDEN")
    assert "X-CSRFToken" in answer.json()["errors"][0]["message"]
    client.get(reverse("till"))
    token = client.cookies["csrftoken"].value
    answer = client.post(reverse("till-corrections"), fields, headers={"X-CSRFToken": token})
    assert answer.status_code == 201
    assert send(correction(None, shelf_products[1]), till.secret).status_code == 201


def test_token_of_a_till_opens_nothing_else(till, shop, served, shelf_products):
    photo = add_photo(shelf_products[0], 5, 9)
    for query in (
        "{ shops { totalCount } }",
        "{ products { totalCount } }",
        "{ trainingStatus { status } }",
        "mutation { recognizeProduct(image: null) { answer } }",
    ):
        answer = ask(query, token=till.secret)
        assert answer.get("errors"), query
        assert not any((answer.get("data") or {}).values()), query
    file = served.files["metadata"]
    closed = [
        reverse("photo", args=[photo.pk, photo.sha256]),
        reverse("photo-thumbnail", args=[photo.pk, photo.sha256]),
        reverse("manifest", args=[shop.slug]),
        reverse("model-file", args=[served.pk, file["sha256"], file["name"]]),
    ]
    for address in closed:
        assert get(address, till.secret).status_code == 403
    assert get(reverse("admin:index"), till.secret).status_code == 302
    assert get(reverse("till-file", args=[file["sha256"]]), till.secret).status_code == 404


def test_use_of_a_token_is_noted(till):
    assert till.token.last_used_at is None
    get(STATE, till.secret)
    assert ApiToken.objects.get(pk=till.token_id).last_used_at is not None


def test_only_the_methods_that_make_sense_are_taken(till):
    assert Client().post(STATE, headers=headers_of(till.secret)).status_code == 405
    assert get(reverse("till-corrections"), till.secret).status_code == 405
