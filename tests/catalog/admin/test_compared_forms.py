"""Two people save the same row: shops, tokens, tills, and saves at the same moment."""

import threading

import pytest
from django.contrib.auth.models import Permission
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from catalog.models import Product, Shop
from catalog.tokens import ApiToken
from ml_training.models import ShopTraining
from tests.factories import make_staff
from tests.support.pages.forms import form_fields, page_of
from tests.support.running.waiting import wait_until
from till.devices import add_till


@pytest.fixture
def anna(shop):
    return make_staff("anna", shop)


@pytest.fixture
def client(anna):
    anna.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(anna)
    return client


def save(client, address, form, **typed):
    return client.post(address, form | typed | {"_continue": "1"}, follow=True)


def pages(shop) -> dict:
    """For each of the forms that have a name: its address, its id, and how to rename the row."""
    token, till = ApiToken.make(shop, "Mine", ["read"])[0], add_till(shop, "Mine")[0]
    return {
        "shop": (reverse("admin:catalog_shop_change", args=[shop.pk]), "shop_form", Shop, shop.pk),
        "token": (
            reverse("admin:catalog_apitoken_change", args=[token.pk]),
            "apitoken_form",
            ApiToken,
            token.pk,
        ),
        "till": (reverse("admin:till_till_change", args=[till.pk]), "till_form", ApiToken, till.token.pk),
    }


@pytest.mark.parametrize("kind", ["shop", "token", "till"])
def test_who_saves_over_another_s_name_is_told_and_decides(client, shop, kind):
    address, form_id, model, pk = pages(shop)[kind]
    form = form_fields(client.get(address), form_id)
    model.objects.filter(pk=pk).update(name="Theirs")

    page = save(client, address, form, name="Typed")

    assert "Somebody else has changed this to Theirs meanwhile. Save again to keep yours." in page.text
    assert model.objects.get(pk=pk).name == "Theirs"
    again = form_fields(page, form_id)
    assert again["name"] == "Typed"
    save(client, address, again)
    assert model.objects.get(pk=pk).name == "Typed"


def test_settings_of_a_shop_that_another_changed_stay_when_one_saves_its_name(client, shop):
    address, form_id, *_ = pages(shop)["shop"]
    form = form_fields(client.get(address), form_id)
    ShopTraining.objects.update_or_create(shop=shop, defaults={"deep_hours": "1-4"})
    other = make_staff("other", shop)

    page = save(client, address, form, name="Typed")

    shop.refresh_from_db()
    assert (page.status_code, shop.name, ShopTraining.of(shop).deep_hours) == (200, "Typed", "1-4")
    assert other in shop.members.all()


def test_members_that_both_changed_are_asked_about_by_name(client, shop, anna):
    address, form_id, *_ = pages(shop)["shop"]
    form = form_fields(client.get(address), form_id)
    make_staff("theirs", shop)

    page = save(client, address, form | {"members": []})

    assert "Somebody else has changed this to anna, theirs meanwhile." in page.text
    assert shop.members.count() == 2


@pytest.mark.parametrize(
    ("name", "told"), [("is_active", "off"), ("unit", "kg"), ("price", "nothing"), ("barcode", "nothing")]
)
def test_what_stands_there_now_is_said_in_words(client, shop, name, told):
    product = Product.objects.create(shop=shop, sku="A", name="A", price="2.00", barcode="1")
    form = form_fields(client.get(page_of(product)))
    theirs = {"is_active": False, "unit": "kg", "price": None, "barcode": ""}[name]
    opened = form["opened_with"].replace('"is_active": "True"', '"is_active": "x"').replace("piece", "x")
    Product.objects.filter(pk=product.pk).update(**{name: theirs})
    mine = {"is_active": "on", "unit": "piece", "price": "3.00", "barcode": "2"}[name]

    page = save(client, page_of(product), form, opened_with=opened, **{name: mine})

    assert f"Somebody else has changed this to {told} meanwhile." in page.text


def test_an_action_that_one_may_not_do_any_more_is_refused_and_not_passed_over(client, shop, anna):
    product = Product.objects.create(shop=shop, sku="A", name="A")
    anna.user_permissions.remove(Permission.objects.get(codename="change_product"))
    form = {"action": "switch_off", "_selected_action": [product.pk]}

    page = client.post(reverse("admin:catalog_product_changelist"), form)

    assert page.status_code == 403
    assert "nothing was saved" in page.text
    product.refresh_from_db()
    assert product.is_active


@pytest.mark.django_db(transaction=True)
def test_of_two_saves_at_the_same_moment_the_second_knows_the_first(client, shop):
    product = Product.objects.create(shop=shop, sku="A", name="A")
    form = form_fields(client.get(page_of(product)))
    answers = []

    def other_tab():
        answers.append(save(client, page_of(product), form, name="Second"))
        connection.close()

    tab = threading.Thread(target=other_tab)
    with transaction.atomic():
        Product.objects.filter(pk=product.pk).update(name="First")
        tab.start()
        wait_until(lambda: _somebody_waits(tab))
    tab.join()

    product.refresh_from_db()
    assert product.name == "First"
    assert "Somebody else has changed this to First meanwhile." in answers[0].text


def _somebody_waits(tab: threading.Thread) -> bool:
    if connection.vendor == "sqlite":  # no way to ask: its whole transactions wait for each other
        tab.join(1)
        return tab.is_alive()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0
