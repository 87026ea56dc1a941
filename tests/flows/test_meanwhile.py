"""Every form and button of ours, opened before something happened that it does not know of: never a fault."""

from copy import copy

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client
from django.urls import reverse

from catalog.models import Product, ProductImage
from catalog.tokens import ApiToken
from tests.factories import add_photo, add_version, make_staff
from till.devices import add_till
from till.models import Correction

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(shop):
    """A shop with one of everything, and a person who may do everything in it."""
    person = make_staff("anna", shop)
    person.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(person)
    first, second = (Product.objects.create(shop=shop, sku=name, name=name) for name in ("A", "B"))
    key = "12345678-1234-5678-1234-567812345678"
    return {
        "client": client,
        "person": person,
        "shop": shop,
        "product": first,
        "other": second,
        "photo": add_photo(first, 0, 1),
        "token": ApiToken.make(shop, "Program", ["read"])[0],
        "till": add_till(shop, "Counter")[0],
        "correction": Correction.objects.create(shop=shop, key=key, chosen=first, chosen_name="A"),
        "version": add_version(shop, active=False),
    }


def change(model: str, key: str, **typed):
    """The form of a row, filled in."""
    return lambda world: (reverse(f"admin:{model}_change", args=[world[key].pk]), typed)


def action(name: str, key: str, what: str, **more):
    """An action on the list of rows."""
    address = reverse(f"admin:{name}_changelist")
    return lambda world: (address, {"action": what, "_selected_action": [world[key].pk], **more})


def product_form(world):
    form = {"name": "Typed", "sku": "A", "barcode": "", "price": "", "unit": "piece", "is_active": "on"}
    photos = {"images-TOTAL_FORMS": 1, "images-INITIAL_FORMS": 1, "images-0-id": world["photo"].pk}
    move = {"images-0-DELETE": "on", "move_to": world["other"].pk, "images-0-product": world["product"].pk}
    return reverse("admin:catalog_product_change", args=[world["product"].pk]), form | photos | move


def button(name: str, **fields):
    return lambda world: (
        reverse(f"admin:{name}"),
        {"shop": world["shop"].pk} | {field: world[key].pk for field, key in fields.items()},
    )


THINGS = {
    "product form": product_form,
    "shop form": change("catalog_shop", "shop", name="Typed", slug="typed", currency="EUR"),
    "token form": change("catalog_apitoken", "token", name="Typed", scopes=["read"]),
    "till form": change("till_till", "till", name="Typed"),
    "revoke tills": action("till_till", "till", "revoke"),
    "delete tills": action("till_till", "till", "delete_selected", post="yes"),
    "take": action("till_correction", "correction", "take"),
    "refuse": action("till_correction", "correction", "refuse"),
    "take for another": action("till_correction", "correction", "take_for_another", product="1", apply="1"),
    "switch off": action("catalog_product", "product", "switch_off"),
    "delete products": action("catalog_product", "product", "delete_selected", post="yes"),
    "delete product": lambda world: (
        reverse("admin:catalog_product_delete", args=[world["product"].pk]),
        {"post": "yes"},
    ),
    "prepare": button("ml_model_prepare"),
    "cancel deep training": button("ml_model_cancel_deep"),
    "move photo": button("ml_model_move_photo", photo="photo", product="other"),
    "activate": lambda world: (
        reverse("admin:ml_model_activate"),
        {"shop": world["shop"].pk, "version": "1"},
    ),
}
EVENTS = {
    "nothing": lambda world: None,
    "photo deleted": lambda world: world["photo"].delete(),
    "photo moved": lambda world: ProductImage.objects.update(product=world["other"]),
    "product deleted": lambda world: world["product"].delete(),
    "other product deleted": lambda world: world["other"].delete(),
    "shop deleted": lambda world: world["shop"].delete(),
    "no member any more": lambda world: world["shop"].members.clear(),
    "rights withdrawn": lambda world: world["person"].user_permissions.clear(),
    "token deleted": lambda world: world["token"].delete(),
    "till deleted": lambda world: world["till"].token.delete(),
    "correction deleted": lambda world: world["correction"].delete(),
    "version deleted": lambda world: world["version"].delete(),
    "logged out": lambda world: world["client"].logout(),
}


@pytest.mark.parametrize("thing", THINGS)
def test_is_answered_with_a_page_whatever_happened(world, thing):
    key = world["client"].cookies[settings.SESSION_COOKIE_NAME].value
    for event, happen in EVENTS.items():
        with transaction.atomic():
            # Of each row a copy: a deleted one forgets its number.
            now = {name: copy(row) for name, row in world.items()} | {"client": Client()}
            now["client"].cookies[settings.SESSION_COOKIE_NAME] = key
            _post_after(now, thing, event, happen)
            transaction.set_rollback(True)


def _post_after(world, thing: str, event: str, happen) -> None:
    address, form = THINGS[thing](world)
    if "form" in thing:
        assert world["client"].get(address).status_code == 200
    happen(world)
    answer = world["client"].post(address, form)
    assert answer.status_code in {200, 302, 403, 404}, event
    if event in {"rights withdrawn", "logged out", "no member any more"}:
        assert not Product.objects.filter(name="Typed").exists(), event
        assert not ApiToken.objects.filter(name="Typed").exists(), event
