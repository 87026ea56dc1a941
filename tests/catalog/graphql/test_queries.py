"""The catalogue over GraphQL: products with photos in pages, the same number of queries at any length, and
an error with a code for whoever may not read."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Product, ProductImage, Shop
from tests.factories import add_photo, make_shop, make_staff

PRODUCTS = """
query ($shop: ID, $first: Int, $last: Int, $after: String, $before: String, $offset: Int) {
  products(shopId: $shop, first: $first, last: $last, after: $after, before: $before, offset: $offset) {
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { id databaseId sku name barcode price unit isActive imageCount
      images { edges { node { id databaseId filename sha256 width height position addedAt url } } } } }
  }
}"""


def ask(client, query: str = PRODUCTS, **variables) -> dict:
    body = {"query": query, "variables": variables}
    return client.post("/graphql/", body, content_type="application/json").json()


def codes(answer: dict) -> set[str]:
    return {error["extensions"]["code"] for error in answer["errors"]}


def skus(answer: dict) -> list[str]:
    assert "errors" not in answer, answer["errors"]
    return [edge["node"]["sku"] for edge in answer["data"]["products"]["edges"]]


def fill(shop, start: int, end: int, photos: int = 0) -> None:
    """Products without files behind their photos: the API reads rows only."""
    products = [Product(shop=shop, sku=f"S{n:03}", name=f"Product {n:03}") for n in range(start, end)]
    Product.objects.bulk_create(products)
    ProductImage.objects.bulk_create(
        ProductImage(product=product, image=f"{seed}.jpg", sha256=f"{seed:064}", width=40, height=30)
        for product in products
        for seed in range(photos)
    )


@pytest.fixture
def limited(client, shop):
    """Log in a member of the default shop who has some permissions only."""

    def login(*codenames: str):
        user = make_staff("limited", shop, permissions=False)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return login


def test_product_comes_with_its_photos_in_their_order(staff_client, shop):
    product = Product.objects.create(
        shop=shop, sku="OAT", name="Oat milk", barcode="40", price="1.50", unit="kg"
    )
    photos = [add_photo(product, seed=seed) for seed in range(2)]
    ProductImage.objects.filter(pk=photos[0].pk).update(position=5)
    (edge,) = ask(staff_client)["data"]["products"]["edges"]
    node = edge["node"]
    images = [edge["node"] for edge in node.pop("images")["edges"]]
    del node["id"]
    assert node == {
        "databaseId": str(product.pk),
        "sku": "OAT",
        "name": "Oat milk",
        "barcode": "40",
        "price": "1.50",
        "unit": "KG",
        "isActive": True,
        "imageCount": 2,
    }
    assert [image["databaseId"] for image in images] == [str(photos[1].pk), str(photos[0].pk)]
    assert (images[0]["filename"], images[0]["width"], images[0]["height"]) == ("photo-0-1.jpg", 96, 96)
    assert images[0]["sha256"] == photos[1].sha256
    assert b"".join(staff_client.get(images[0]["url"])) == photos[1].image.read()


def test_products_without_photos_and_shops_without_products_are_no_error(staff_client, shop):
    assert skus(ask(staff_client)) == []
    fill(shop, 0, 1)
    (edge,) = ask(staff_client)["data"]["products"]["edges"]
    assert (edge["node"]["imageCount"], edge["node"]["images"]["edges"]) == (0, [])


def test_pages_join_to_the_whole_list(staff_client, shop):
    fill(shop, 0, 23)
    seen, after = [], None
    for expected in (10, 10, 3):
        answer = ask(staff_client, first=10, after=after)
        page = answer["data"]["products"]["pageInfo"]
        assert len(skus(answer)) == expected
        assert page["hasNextPage"] == (expected == 10)
        seen, after = seen + skus(answer), page["endCursor"]
    assert seen == [f"S{number:03}" for number in range(23)]


def test_list_is_read_from_its_end_and_from_the_middle(staff_client, shop):
    fill(shop, 0, 9)
    answer = ask(staff_client, last=2)
    assert skus(answer) == ["S007", "S008"]
    before = answer["data"]["products"]["pageInfo"]["startCursor"]
    assert skus(ask(staff_client, last=2, before=before)) == ["S005", "S006"]
    assert skus(ask(staff_client, first=2, offset=4)) == ["S004", "S005"]
    assert skus(ask(staff_client, first=0)) == []


def test_page_has_at_most_100_products(staff_client, shop):
    fill(shop, 0, 120)
    answer = ask(staff_client)
    assert len(skus(answer)) == 100
    assert answer["data"]["products"]["pageInfo"]["hasNextPage"]
    assert len(skus(ask(staff_client, first=100))) == 100


@pytest.mark.parametrize("page", [{"first": 101}, {"last": 101}, {"first": -1}, {"last": -1}, {"offset": -3}])
def test_page_that_is_not_given_is_an_error_with_a_code(staff_client, shop, page):
    fill(shop, 0, 2)
    assert codes(ask(staff_client, **page)) == {"BAD_INPUT"}


@pytest.mark.parametrize("cursor", ["", "nonsense", "w6Q=", "YXJyYXljb25uZWN0aW9uOi05"])
def test_cursor_that_is_none_is_answered_with_a_page_or_an_error_with_a_code(staff_client, shop, cursor):
    fill(shop, 0, 3)
    for place in ("after", "before"):
        answer = ask(staff_client, first=2, **{place: cursor})
        if "errors" in answer:
            assert codes(answer) == {"BAD_INPUT"}
        else:
            assert len(skus(answer)) <= 2


def test_list_costs_the_same_number_of_queries_at_10_and_200_products(staff_client, shop):
    def queries(expected: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert len(skus(ask(staff_client, first=100))) == expected
        return len(captured)

    fill(shop, 0, 10, photos=1)
    few = queries(10)
    fill(shop, 10, 200, photos=3)
    assert queries(100) == few <= 9


def test_anonymous_visitor_and_customer_read_nothing(client, shop):
    fill(shop, 0, 1)
    assert codes(ask(client)) == {"UNAUTHENTICATED"}
    customer = get_user_model().objects.create_user("customer")
    shop.members.add(customer)
    client.force_login(customer)
    answer = ask(client)
    assert codes(answer) == {"UNAUTHENTICATED"}
    assert "data" not in answer


def test_staff_of_another_shop_see_their_own_products_only(client, shop, other_shop):
    fill(shop, 0, 2)
    Product.objects.create(shop=other_shop, sku="THEIRS", name="Theirs")
    client.force_login(make_staff("stranger", other_shop))
    assert skus(ask(client)) == ["THEIRS"]
    assert codes(ask(client, shop=shop.pk)) == {"NOT_FOUND"}


@pytest.mark.parametrize("shop_id", ["0", "-1", "x", "", "²", "9" * 30, "1 OR 1=1"])
def test_shop_that_does_not_exist_is_not_found(staff_client, shop_id):
    assert codes(ask(staff_client, shop=shop_id)) <= {"NOT_FOUND", "BAD_INPUT"}


def test_staff_of_several_shops_say_which(client, shop, other_shop):
    fill(shop, 0, 2)
    client.force_login(make_staff("both", shop, other_shop))
    assert codes(ask(client)) == {"SHOP_REQUIRED"}
    assert skus(ask(client, shop=shop.pk)) == ["S000", "S001"]
    assert skus(ask(client, shop=other_shop.pk)) == []


def test_staff_without_a_shop_read_nothing(client, shop):
    client.force_login(make_staff("new"))
    assert codes(ask(client)) == {"NOT_FOUND"}


def test_staff_without_permission_read_nothing(limited, shop):
    fill(shop, 0, 1)
    answer = ask(limited())
    assert codes(answer) == {"FORBIDDEN"}
    assert not (answer["data"] or {}).get("products")


def test_photos_are_read_with_the_permission_for_photos_only(limited, shop):
    fill(shop, 0, 1, photos=1)
    client = limited("view_product")
    assert skus(ask(client, "{ products { edges { node { sku imageCount } } } }")) == ["S000"]
    answer = ask(client)
    assert codes(answer) == {"FORBIDDEN"}
    assert "0" * 64 not in str(answer)


def test_node_is_read_by_its_global_id_under_the_same_rules(staff_client, limited, shop):
    fill(shop, 0, 1, photos=1)
    edge = ask(staff_client)["data"]["products"]["edges"][0]["node"]
    ids = [edge["id"], edge["images"]["edges"][0]["node"]["id"]]
    query = "query ($id: ID!) { node(id: $id) { ... on Product { sku } ... on ProductImage { width } } }"
    assert [ask(staff_client, query, id=id)["data"]["node"] for id in ids] == [{"sku": "S000"}, {"width": 40}]
    assert [codes(ask(limited(), query, id=ids[0])), codes(ask(staff_client, query, id=ids[1]))] == [
        {"FORBIDDEN"}
    ] * 2, "the session is now that of somebody without permission"
    staff_client.force_login(make_staff("stranger", make_shop("far")))
    assert [ask(staff_client, query, id=id)["data"]["node"] for id in ids] == [None, None]
    assert {code for id in ids for code in codes(ask(Client(), query, id=id))} <= {
        "UNAUTHENTICATED",
        "FORBIDDEN",
    }


def test_other_sites_cannot_use_a_session(staff, shop):
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff)
    answer = client.post(reverse("graphql"), {"query": PRODUCTS}, content_type="application/json")
    assert answer.status_code == 403


def test_shop_says_in_which_currency_its_prices_are(staff_client, shop):
    Shop.objects.update(currency="SEK")
    answer = ask(staff_client, "{ shops { edges { node { slug currency } } } }")
    assert answer["data"]["shops"]["edges"] == [{"node": {"slug": shop.slug, "currency": "SEK"}}]
