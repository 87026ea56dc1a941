"""Two people do the same, or the opposite, at the same moment: one is told, and nobody gets a fault."""

from functools import partial

import pytest
from django.contrib.auth.models import Group, User

from catalog.activity.rows import Activity
from catalog.models import Product, Shop
from tests.factories import add_photo, make_staff, photo_bytes
from tests.support.pages.forms import form_fields, page_of
from tests.support.running.victim import ROUNDS, cookie_of
from tests.support.running.visitors import Browser, at_once

TIMES = 5 * ROUNDS
PRODUCTS = "/admin/catalog/product/"


@pytest.fixture
def people(victim) -> list[Browser]:
    berta = make_staff("berta", victim.shop)
    User.objects.update(is_superuser=True)
    return [Browser(victim.url, cookie=cookie) for cookie in (victim.cookie, cookie_of(berta))]


def codes(answers) -> list[int]:
    return sorted(answer.status_code for answer in answers)


NOUNS = {Product: "product", Shop: "shop", Group: "group", User: "person"}
ADDS = [
    (Product, PRODUCTS + "add/", "sku", {"name": "A", "unit": "piece"}),
    (Shop, "/admin/catalog/shop/add/", "slug", {"name": "A", "currency": "EUR"}),
    (Group, "/admin/auth/group/add/", "name", {}),
    (
        User,
        "/admin/auth/user/add/",
        "username",
        {"usable_password": "true", "password1": "a long one of words", "password2": "a long one of words"},
    ),
]


def test_of_two_who_add_the_same_one_is_told(victim, people):
    for model, address, unique, typed in ADDS:
        forms = [form_fields(one.get(address), f"{model._meta.model_name}_form") for one in people]
        for number in range(TIMES):
            same = typed | {unique: f"same-{number}"}
            answers = at_once(
                *(
                    partial(one.post, address, data=form | same)
                    for one, form in zip(people, forms, strict=True)
                )
            )
            assert codes(answers) == [200, 302]
            assert "already" in next(answer for answer in answers if answer.status_code == 200).text
            assert model.objects.filter(**{unique: f"same-{number}"}).count() == 1
        told = Activity.objects.filter(text__startswith=f"added the {NOUNS[model]} ")
        assert told.count() == TIMES, "each is told once, by whom it was"
    victim.answers()


def test_products_are_switched_in_opposite_order_and_while_they_are_deleted(victim, people):
    csrf = [form_fields(one.get(PRODUCTS), "changelist-form")["csrfmiddlewaretoken"] for one in people]
    for number in range(TIMES):
        products = [
            Product.objects.create(shop=victim.shop, sku=f"{number}-{n}", name="x") for n in range(20)
        ]
        pks = [str(product.pk) for product in products]
        acts = [("switch_off", pks), ("switch_off", pks[::-1]), ("delete_selected", pks[:10])]
        answers = at_once(
            *(
                partial(
                    people[n % 2].post,
                    PRODUCTS,
                    data={
                        "csrfmiddlewaretoken": csrf[n % 2],
                        "action": act,
                        "_selected_action": chosen,
                        "post": "yes",
                    },
                )
                for n, (act, chosen) in enumerate(acts)
            )
        )
        assert codes(answers) == [302] * 3
        left = Product.objects.filter(pk__in=pks)
        assert (left.count(), left.filter(is_active=True).count()) == (10, 0)
        left.delete()
    victim.answers()


def test_photos_and_products_are_added_while_what_they_belong_to_is_deleted(victim, people):
    boss, other = people
    for number in range(TIMES):
        shop = Shop.objects.create(name="x", slug=f"x-{number}")
        product = Product.objects.create(shop=victim.shop, sku=f"p-{number}", name="x")
        add_photo(product, number % 6, number)
        photo = {"new_photos": ("new.jpg", photo_bytes(number % 6, 1000 + number), "image/jpeg")}
        form = form_fields(boss.get(page_of(product)))
        gone = page_of(product).replace("change", "delete")
        assert other.get(gone).status_code == 200
        token = other.cookies["csrftoken"]
        new = form_fields(boss.get(PRODUCTS + "add/")) | {"sku": "n", "name": "n", "shop": str(shop.pk)}
        answers = at_once(
            partial(boss.post, page_of(product), data=form, files=photo),
            partial(other.post, gone, data={"csrfmiddlewaretoken": token, "post": "yes"}),
            partial(boss.post, PRODUCTS + "add/", data=new),
            partial(
                other.post,
                f"/admin/catalog/shop/{shop.pk}/delete/",
                data={"csrfmiddlewaretoken": token, "post": "yes"},
            ),
        )
        assert {answer.status_code for answer in answers} <= {200, 302}
        assert not Product.objects.filter(pk=product.pk).exists()
        assert not Shop.objects.filter(pk=shop.pk).exists()
    victim.answers()
