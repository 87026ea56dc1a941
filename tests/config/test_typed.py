"""Forms that cannot be saved give back what was typed into them."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from catalog.models import Product
from tests.factories import make_staff
from tests.support.pages.forms import form_fields, page_of

pytestmark = pytest.mark.django_db
HERE = {"Origin": "http://testserver"}
TYPED = "A name that took long to find"


@pytest.fixture
def anna(shop):
    return make_staff("anna", shop)


@pytest.fixture
def client(anna):
    client = Client(enforce_csrf_checks=True)
    client.force_login(anna)
    return client


@pytest.fixture
def product(shop):
    return Product.objects.create(shop=shop, sku="A", name="A")


def send(client, address, form):
    return client.post(address, form | {"name": TYPED}, headers=HERE)


WITHDRAWN = {
    "right": (lambda anna, product: anna.user_permissions.clear(), 403),
    "membership": (lambda anna, product: product.shop.members.clear(), 404),
    "shop": (lambda anna, product: product.shop.delete(), 404),
    "right to add": (
        lambda anna, product: (
            anna.user_permissions.remove(Permission.objects.get(codename="add_product")),
            product.delete(),
        ),
        404,
    ),
}


@pytest.mark.parametrize("what", WITHDRAWN)
def test_what_was_typed_is_shown_to_whoever_may_not_save_it_any_more(client, anna, product, what):
    withdraw, status = WITHDRAWN[what]
    address = page_of(product)
    form = form_fields(client.get(address))
    withdraw(anna, product)

    page = send(client, address, form)

    assert page.status_code == status
    assert "nothing was saved" in page.text
    assert f"<dd>{TYPED}</dd>" in page.text
    assert "csrfmiddlewaretoken</dt>" not in page.text
    assert not Product.objects.filter(name=TYPED).exists()


def test_a_form_from_before_a_login_in_another_tab_is_saved_with_one_more_click(client, anna, product):
    address = page_of(product)
    form = form_fields(client.get(address))
    client.force_login(anna)
    client.get(reverse("admin:password_change"))  # the other tab has another cookie
    client.cookies["csrftoken"] = "b" * 32

    page = send(client, address, form)

    assert page.status_code == 403
    assert "You have logged in again since this page was opened" in page.text
    assert "Save now, as anna" in page.text
    again = form_fields(page, "again")
    assert again["name"] == TYPED
    answer = client.post(address, again, headers=HERE)
    assert answer.status_code == 302
    product.refresh_from_db()
    assert product.name == TYPED


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_a_form_of_another_site_is_refused_and_offers_nothing(client, product, headers):
    form = {"name": TYPED, "csrfmiddlewaretoken": "c" * 32}

    page = client.post(page_of(product), form, headers=headers)

    assert page.status_code == 403
    assert TYPED not in page.text
    assert 'id="again"' not in page.text


def test_passwords_are_not_given_back(client, anna):
    address = reverse("admin:password_change")
    client.get(address)
    typed = {"old_password": "secret-1", "new_password1": "secret-2", "csrfmiddlewaretoken": "c" * 32}

    page = client.post(address, typed, headers=HERE)

    assert page.status_code == 403
    assert "secret" not in page.text
    assert 'id="again"' not in page.text


def test_the_old_password_is_guessed_no_more_often_than_at_a_login(anna):
    client = Client()
    client.force_login(anna)
    address = reverse("admin:password_change")
    new = "a new one that is long"
    for number in range(10):
        form = {"old_password": f"wrong-{number}", "new_password1": new, "new_password2": new}
        assert "This is not right" in client.post(address, form, follow=True).text
    right = {"old_password": "password", "new_password1": new, "new_password2": new}
    assert "Too many tries" in client.post(address, right, follow=True).text
    anna.refresh_from_db()
    assert anna.check_password("password")


def test_the_password_is_changed_by_whoever_knows_the_old_one(anna):
    client = Client()
    client.force_login(anna)
    new = "a new one that is long"
    form = {"old_password": "password", "new_password1": new, "new_password2": new}
    assert client.post(reverse("admin:password_change"), form).status_code == 302
    anna.refresh_from_db()
    assert anna.check_password(new)
