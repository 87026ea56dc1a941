"""Products in the admin say which versions learned from their photos, before and after they are deleted."""

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Product, ProductImage
from tests.factories import add_photo, learn, stock
from tests.support.pages.forms import form_fields
from tests.support.training import counters, statuses

pytestmark = pytest.mark.django_db
LIST = reverse("admin:catalog_product_changelist")
QUEUED = "A training without"


def form_of(product: Product) -> str:
    return reverse("admin:catalog_product_change", args=[product.pk])


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.fixture
def products(shop) -> list[Product]:
    """Three products of two photos each, learned by three versions."""
    made = stock(shop, products=3, photos=2)
    for _ in range(3):
        learn(shop)
    return made


@pytest.fixture
def uninitiated(staff):
    staff.user_permissions.remove(Permission.objects.get(codename="view_modelversion"))


def delete_selected(client, *products: Product, **more):
    fields = {"action": "delete_selected", "_selected_action": [product.pk for product in products]}
    return client.post(LIST, fields | more)


def test_each_photo_says_which_versions_learned_it(products, staff_client):
    add_photo(products[0], 0, 60)
    html = staff_client.get(form_of(products[0])).content.decode()
    page = reverse("admin:ml_model") + "?shop=default#ml-version-"
    words = f'learned by versions <a href="{page}1">1</a>–<a href="{page}3">3</a>'
    assert html.count(words) == 2
    assert html.count("not learned yet") == 1


def test_versions_are_no_links_for_whoever_may_not_open_their_page(products, staff, staff_client):
    staff.user_permissions.remove(Permission.objects.get(codename="view_trainingrun"))
    html = staff_client.get(form_of(products[0])).content.decode()
    assert html.count("learned by versions 1–3") == 2


def test_whoever_may_not_see_versions_is_told_of_none(products, uninitiated, staff_client):
    assert "learned" not in staff_client.get(form_of(products[0])).content.decode()
    confirm = staff_client.get(reverse("admin:catalog_product_delete", args=[products[0].pk]))
    assert "learned" not in confirm.content.decode()
    assert said(staff_client.post(confirm.request["PATH_INFO"], {"post": "yes"}))[0].startswith(QUEUED)


def test_form_costs_the_same_number_of_queries_for_any_number_of_photos(shop, products, staff_client):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            staff_client.get(form_of(products[0]))
        return len(captured)

    queries()  # what a process reads once, such as content types, is read by now
    add_photo(products[0], 0, 99)
    learn(shop)
    few = queries()
    for seed in range(100, 120):
        add_photo(products[0], 0, seed)
    learn(shop)
    assert queries() == few


def test_deleting_a_photo_says_who_learned_from_it_and_queues_a_training(shop, products, staff_client):
    wanted = counters(shop)[0]
    fields = form_fields(staff_client.get(form_of(products[0]))) | {"images-0-DELETE": "on"}
    response = staff_client.post(form_of(products[0]), fields)
    text = "1 photo deleted. Versions 1–3 learned from it. A training without it is queued."
    assert text in said(response)
    assert counters(shop)[0] == wanted + 1
    assert statuses(shop).count("queued") == 1


def test_deleting_a_photo_that_nobody_learned_says_so_much(products, staff_client):
    for seed in (60, 61):
        add_photo(products[0], 0, seed)
    fields = form_fields(staff_client.get(form_of(products[0])))
    fields |= {"images-2-DELETE": "on", "images-3-DELETE": "on"}
    response = staff_client.post(form_of(products[0]), fields)
    assert "2 photos deleted. A training without them is queued." in said(response)


def test_form_that_deletes_no_photo_says_nothing(products, staff_client):
    response = staff_client.post(form_of(products[0]), form_fields(staff_client.get(form_of(products[0]))))
    assert not [text for text in said(response) if "queued" in text]


def test_deleting_a_product_asks_and_tells(shop, products, staff_client):
    learn(shop)
    url = reverse("admin:catalog_product_delete", args=[products[0].pk])
    question = staff_client.get(url).content.decode()
    assert "Versions 1–4 learned from its photos. A training without them will be queued." in question
    response = staff_client.post(url, {"post": "yes"})
    assert said(response)[0] == (
        "Versions 1–4 learned from its photos. A training without its photos is queued."
    )
    assert "queued" in statuses(shop)


def test_deleting_selected_products_asks_and_tells(shop, products, staff_client):
    question = delete_selected(staff_client, *products[:2]).content.decode()
    assert "Versions 1–3 learned from their photos." in question
    response = delete_selected(staff_client, *products[:2], post="yes")
    assert any(text.startswith("Versions 1–3 learned from their photos.") for text in said(response))
    assert Product.objects.count() == 1
    assert ProductImage.objects.count() == 2


def test_deleting_a_product_without_photos_says_nothing_of_it(shop, staff_client):
    empty = Product.objects.create(shop=shop, sku="empty", name="Empty")
    url = reverse("admin:catalog_product_delete", args=[empty.pk])
    assert "learned" not in staff_client.get(url).content.decode()
    assert not [text for text in said(staff_client.post(url, {"post": "yes"})) if "queued" in text]
    assert statuses(shop) == []
