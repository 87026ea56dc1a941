"""moveProductImages: what staff do in the product form, for programs that they are logged in with."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from catalog.models import Product
from tests.factories import add_photo, bearer, make_shop, make_staff
from tests.support.api import ask, code, data
from tests.support.training import last_run, statuses

pytestmark = pytest.mark.django_db
MOVE = """mutation ($images: [ID!]!, $product: ID!) {
  moveProductImages(imageIds: $images, productId: $product) {
    moved { databaseId filename } product { name imageCount } } }"""


@pytest.fixture
def products(shop) -> list[Product]:
    made = [Product.objects.create(shop=shop, sku=name, name=name) for name in ("Lemon", "Lime")]
    for seed in range(3):
        add_photo(made[0], 0, seed)
    return made


def move(client, photos, product) -> dict:
    return ask(MOVE, {"images": [str(pk) for pk in photos], "product": str(product)}, client=client)


def ids(product: Product) -> list[int]:
    return list(product.images.values_list("pk", flat=True))


def test_photos_are_moved_and_one_run_follows(shop, products, staff_client):
    lemon, lime = products
    last_run(shop).delete()
    photos = ids(lemon)
    answer = data(move(staff_client, photos[:2], lime.pk))["moveProductImages"]
    assert [photo["databaseId"] for photo in answer["moved"]] == [str(pk) for pk in photos[:2]]
    assert answer["product"] == {"name": "Lime", "imageCount": 2}
    assert (ids(lemon), ids(lime), statuses(shop)) == (photos[2:], photos[:2], ["queued"])
    assert data(move(staff_client, photos[:2], lime.pk))["moveProductImages"]["moved"] == []


def test_photo_that_is_there_already_is_a_conflict_and_nothing_moves(products, staff_client):
    lemon, lime = products
    add_photo(lime, 0, 1)
    answer = move(staff_client, ids(lemon), lime.pk)
    assert code(answer) == "CONFLICT"
    assert "Lime already has this photo" in answer["errors"][0]["message"]
    assert len(ids(lemon)) == 3


@pytest.mark.parametrize(
    ("photo", "product", "expected"),
    [
        ("x", "OWN", "BAD_INPUT"),
        ("OWN", "-1", "BAD_INPUT"),
        ("9" * 30, "OWN", "BAD_INPUT"),
        ("999999", "OWN", "NOT_FOUND"),
        ("OWN", "999999", "NOT_FOUND"),
        ("THEIRS", "OWN", "NOT_FOUND"),
        ("OWN", "THEIRS", "NOT_FOUND"),
    ],
)
def test_what_there_is_not_or_not_for_the_caller_is_refused(products, staff_client, photo, product, expected):
    theirs = make_shop("theirs", products=1, photos=1).products.get()
    photo = {"OWN": ids(products[0])[0], "THEIRS": ids(theirs)[0]}.get(photo, photo)
    product = {"OWN": products[1].pk, "THEIRS": theirs.pk}.get(product, product)
    assert code(move(staff_client, [photo], product)) == expected
    assert (len(ids(products[0])), len(ids(theirs))) == (3, 1)


def test_photos_stay_in_their_shop_also_for_whoever_sees_both(products, staff, staff_client):
    theirs = make_shop("theirs", products=1).products.get()
    theirs.shop.members.add(staff)
    assert code(move(staff_client, ids(products[0]), theirs.pk)) == "CONFLICT"
    assert ids(theirs) == []


def test_too_many_at_once_are_refused(products, staff_client):
    assert code(move(staff_client, range(1, 502), products[1].pk)) == "BAD_INPUT"


def test_it_takes_the_permission_to_change_photos_and_no_token_suffices(shop, products):
    lemon, lime = products
    client, user = Client(), make_staff("clerk", shop, permissions=False)
    user.user_permissions.set(Permission.objects.filter(codename="view_productimage"))
    client.force_login(user)
    assert code(move(client, ids(lemon), lime.pk)) == "FORBIDDEN"
    variables = {"images": [str(pk) for pk in ids(lemon)], "product": str(lime.pk)}
    token = bearer(shop, "read", "recognize", "train")
    assert code(ask(MOVE, variables, token=token)) == "FORBIDDEN"
    assert ids(lime) == []
