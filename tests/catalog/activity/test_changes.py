"""What a row says of a change: every one that people make, with true values, or nothing is changed at all."""

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, connection
from django.db.models.signals import pre_save
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.activity.rows import Activity
from catalog.models import Product, Shop
from catalog.tokens import ApiToken
from tests.factories import add_photo, bearer, fill, make_staff
from tests.support.activity import acting, told
from tests.support.pages.forms import form_fields, page_of, submit
from tests.support.talk import Talk, subscribe
from till.devices import add_till

pytestmark = pytest.mark.django_db


@pytest.fixture
def product(shop) -> Product:
    return fill(shop, 1)[0]


@pytest.fixture
def owner(admin_client) -> Client:
    Activity.objects.all().delete()  # the login
    return admin_client


def test_product_that_goes_to_another_shop_is_told_in_both_and_names_neither(owner, product, other_shop):
    shop = product.shop
    submit(owner, page_of(product), shop=other_shop.pk)
    rows = {row.shop: row.text for row in Activity.objects.all()}
    assert rows == {
        shop: f"changed the product {product}: it went to another shop",
        other_shop: f"changed the product {product}: it came from another shop",
    }


def test_a_shop_is_deleted_with_the_names_of_what_goes_with_it(owner, product):
    shop = product.shop
    ApiToken.make(shop, "Stock list", ["read"])
    ApiToken.make(shop, "Counter", ["till"])
    owner.post(reverse("admin:catalog_shop_delete", args=[shop.pk]), {"post": "yes"})
    (row,) = [row for row in Activity.objects.all() if row.text.startswith("deleted the shop")]
    assert f"{shop} with its product {product} and its 2 tokens" in row.text
    assert {"Counter", "Stock"} <= set(row.text.replace(",", " ").replace(")", " ").replace("(", " ").split())


def test_photos_in_another_order_are_told_and_stay_so_when_an_older_form_is_saved(owner, product):
    photos = [add_photo(product, 0, seed) for seed in range(2)]
    older = form_fields(owner.get(page_of(product)))
    Activity.objects.all().delete()
    submit(owner, page_of(product), **{"images-0-position": "1", "images-1-position": "0"})
    assert told() == [f"admin changed the order of the photos of {product}"]
    owner.post(page_of(product), older | {"price": "3.00"})
    assert [photo.pk for photo in product.images.order_by("position")] == [photos[1].pk, photos[0].pk]
    product.refresh_from_db()
    assert str(product.price) == "3.00"


def test_settings_of_a_shop_are_told_also_the_first_time(owner, shop):
    page = reverse("admin:catalog_shop_change", args=[shop.pk])
    for hours, keeps in (("20-6", None), ("21-6", "on")):
        fields = form_fields(owner.get(page), "shop_form") | {"deep_hours": hours, "members": []}
        fields.pop("keeps_photos", None)
        owner.post(page, fields | ({"keeps_photos": keeps} if keeps else {}))
    assert told() == [
        f"admin changed Training of {shop}: hours of deep training from nothing to 20-6",
        f"admin changed Till settings of {shop}: keep photos of answers from on to off",
        f"admin changed Training of {shop}: hours of deep training from 20-6 to 21-6",
        f"admin changed Till settings of {shop}: keep photos of answers from off to on",
    ]
    assert {row.shop for row in Activity.objects.all()} == {shop}


def test_till_that_is_renamed_is_told(owner, shop):
    till, _secret = add_till(shop, "Counter 1")
    page = reverse("admin:till_till_change", args=[till.pk])
    owner.post(page, form_fields(owner.get(page), "till_form") | {"name": "Counter 2"})
    (text,) = told()
    assert text.endswith("name from Counter 1 to Counter 2")


def test_row_says_nothing_of_fields_that_were_not_saved(product):
    Product.objects.filter(pk=product.pk).update(name="What bert has made of it")
    product.is_active = False
    with acting("anna"):
        product.save(update_fields=["is_active"])
    assert told() == [f"anna changed the product {product}: active from on to off"]


def test_many_rights_are_named_in_one_query(owner, shop):
    page = reverse("admin:auth_user_change", args=[make_staff("anna", shop, permissions=False).pk])
    fields = form_fields(owner.get(page), "user_form")
    rights = list(Permission.objects.values_list("pk", flat=True)[:40])
    with CaptureQueriesContext(connection) as queries:
        owner.post(page, fields | {"user_permissions": rights})
    assert "admin gave anna: " in "\n".join(told())
    assert sum('FROM "django_content_type"' in query["sql"] for query in queries) < 5


@pytest.mark.django_db(transaction=True)
def test_own_password_is_changed_together_with_its_row_or_not_at_all():
    anna = make_staff("anna", Shop.default())
    client, before = Client(raise_request_exception=False), anna.password
    client.force_login(anna)
    fields = {"old_password": "password", "new_password1": "a-new-secret", "new_password2": "a-new-secret"}

    def fail(**kwargs):
        raise DatabaseError("The disk is full.")

    pre_save.connect(fail, sender=Activity)
    try:
        assert client.post(reverse("admin:password_change"), fields).status_code >= 500
    finally:
        pre_save.disconnect(fail, sender=Activity)
    anna.refresh_from_db()
    assert anna.password == before
    client.post(reverse("admin:password_change"), fields)
    assert told()[-1] == "anna changed the person anna: password changed"


async def test_token_on_a_socket_acts_under_its_name(server):
    from channels.db import database_sync_to_async as in_database

    token = await in_database(lambda: bearer(Shop.default(), "read", "train"))()
    async with Talk(server.socket_url) as talk:
        await talk.begin(token)
        await talk.say(subscribe("a", "mutation { extractPhotosForTraining { run { status } } }"))
        assert "errors" not in (await talk.hear())["payload"]
    assert await in_database(told)() == ["Till had all photos checked again"]
