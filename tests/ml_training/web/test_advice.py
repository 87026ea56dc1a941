"""A photo that looks like another product is moved there with one click, by whoever may change photos."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from catalog.models import Product, ProductImage
from tests.factories import add_photo, backed, judge, make_shop, make_staff, shelf
from tests.support.pages.sections import html_of
from tests.support.training import statuses

pytestmark = pytest.mark.django_db
MOVE = reverse("admin:ml_model_move_photo")
BUTTON = "Move to Conference"


@pytest.fixture
def products(shop) -> list[Product]:
    """Conference has ten photos, one of which lies on Anjou."""
    products = shelf(shop, [None] * 3)
    backed(shop)
    ProductImage.objects.filter(filename="0-3.jpg").update(product=products[1])
    judge(shop, {})
    return products


def astray() -> ProductImage:
    return ProductImage.objects.get(filename="0-3.jpg")


def press(client, photo, product, **headers):
    return client.post(MOVE, {"photo": photo, "product": product}, headers=headers)


def test_button_stands_beside_the_photo_and_moves_it(shop, products, staff_client):
    html = html_of(staff_client, "advice")
    assert html.count(BUTTON) == 1
    assert f'name="photo" value="{astray().pk}"' in html
    answer = press(staff_client, astray().pk, products[0].pk, accept="application/json")
    assert answer.json() == {"message": "0-3.jpg moved to Conference. The recogniser is learning."}
    assert astray().product == products[0]
    assert statuses(shop)[-1] == "queued"
    assert BUTTON not in html_of(staff_client, "advice")
    again = press(staff_client, astray().pk, products[0].pk, accept="application/json")
    assert again.json() == {"message": "0-3.jpg is on Conference already."}
    texts = {int(entry.object_id): entry.get_change_message() for entry in LogEntry.objects.all()}
    assert texts == {
        products[0].pk: "Got 1 photo from Anjou.",
        products[1].pk: "0-3.jpg moved to Conference.",
    }


def test_without_a_script_it_comes_back_to_the_page(shop, products, staff_client):
    answer = press(staff_client, astray().pk, products[0].pk)
    assert answer.url == f"{reverse('admin:ml_model')}?shop={shop.slug}#ml-advice"
    assert [str(text) for text in get_messages(answer.wsgi_request)] == [
        "0-3.jpg moved to Conference. The recogniser is learning."
    ]


def test_photo_that_is_there_already_says_what_to_do(products, staff_client):
    ProductImage.objects.filter(filename="0-4.jpg").update(sha256=astray().sha256)
    answer = press(staff_client, astray().pk, products[0].pk, accept="application/json")
    assert answer.status_code == 409
    assert answer.json()["message"] == (
        "Nothing was moved. 0-3.jpg: Conference already has this photo. Delete it here instead of moving it."
    )
    assert astray().product == products[1]


def test_photos_and_products_of_other_shops_are_not_there(products, staff_client):
    theirs = make_shop("theirs", products=1).products.get()
    photo = add_photo(theirs)
    for photo_pk, product_pk in ((photo.pk, products[0].pk), (astray().pk, theirs.pk), ("x", ""), (0, 0)):
        answer = press(staff_client, photo_pk, product_pk, accept="application/json")
        assert answer.status_code == 409
        assert "not there any more" in answer.json()["message"]
    photo.refresh_from_db()
    assert photo.product == theirs
    assert astray().product == products[1]


def test_it_takes_the_permission_to_change_photos_and_a_form_of_ours(shop, products, client, staff):
    user = make_staff("viewer", shop, permissions=False)
    names = ["view_trainingrun", "view_product", "view_productimage"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    html = html_of(client, "advice")
    assert "0-3.jpg" in html
    assert BUTTON not in html
    assert press(client, astray().pk, products[0].pk).status_code == 403
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(staff)
    assert press(strict, astray().pk, products[0].pk).status_code == 403
    assert strict.get(MOVE).status_code == 302
    assert astray().product == products[1]


def test_same_picture_on_two_products_gets_no_button(shop, products, staff_client):
    """Nobody can tell from it which of them it shows."""
    astray().delete()
    other = ProductImage.objects.get(filename="1-1.jpg")
    ProductImage.objects.filter(filename="0-1.jpg").update(sha256=other.sha256)
    html = html_of(staff_client, "advice")
    assert "Nearly the same picture is on" in html
    assert "Move to" not in html


def test_misclassified_photos_stand_beside_the_pair(shop, products, staff_client):
    judge(shop, {(products[0], products[1]): 2})
    html = html_of(staff_client, "advice")
    pairs = html[html.index("Mixed up most") :]
    assert pairs.count(f" on {products[0].name}") >= 2
    for filename in ("0-0.jpg", "0-1.jpg"):
        assert f'title="{filename}, {products[0].name}"' in pairs
