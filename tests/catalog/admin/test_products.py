"""Products and shops in the admin: the list, its search and filters, the form's words, and who may what."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import Product, Shop
from tests.factories import add_photo, make_shop, make_staff
from tests.support.pages.forms import form_fields

LIST, ADD = reverse("admin:catalog_product_changelist"), reverse("admin:catalog_product_add")


def change_page(product: Product, name: str = "change") -> str:
    return reverse(f"admin:catalog_product_{name}", args=[product.pk])


def listed(response) -> set[str]:
    return {product.sku for product in response.context["cl"].result_list}


def login_with(client, shop: Shop, *codenames: str):
    """A staff client with these permissions of the catalogue and no others."""
    user = make_staff("limited", shop, permissions=False)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


@pytest.fixture
def products(shop) -> list[Product]:
    rows = [("OAT", "Oat milk", "4006381333931"), ("SOY", "Soy drink", "4006381333948"), ("TEA-1", "Tea", "")]
    return [Product.objects.create(shop=shop, sku=s, name=n, barcode=b, price="1.50") for s, n, b in rows]


@pytest.fixture
def both_client(client, shop, other_shop):
    client.force_login(make_staff("both", shop, other_shop))
    return client


def test_list_shows_first_photo_and_number_of_photos(staff_client, products):
    photos = [add_photo(products[0], seed=seed) for seed in range(3)]
    page = staff_client.get(LIST)
    text = page.content.decode()
    assert reverse("photo-thumbnail", args=[photos[0].pk, photos[0].sha256]) in text
    assert text.count("/thumbnail/") == 1
    assert text.count("no photo") == 2
    assert [product.photo_count for product in page.context["cl"].result_list] == [3, 0, 0]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("milk", {"OAT"}),
        ("so", {"SOY"}),
        ("tea-1", {"TEA-1"}),
        ("4006381333948", {"SOY"}),
        ("40063813339", {"OAT", "SOY"}),
        ("oat 4006381333931", {"OAT"}),
        ("nothing", set()),
        ("%", set()),
    ],
)
def test_search_finds_by_name_sku_and_barcode(staff_client, products, words, found):
    assert listed(staff_client.get(LIST, {"q": words})) == found


def test_list_is_filtered_by_how_many_photos(staff_client, shop):
    for count in (0, 1, 4, 5, 9, 10, 12):
        product = Product.objects.create(shop=shop, sku=f"{count}", name=f"{count}")
        for seed in range(count):
            add_photo(product, seed=seed)

    def found(photos):
        return listed(staff_client.get(LIST, {"photos": photos}))

    assert found("0") == {"0"}
    assert found("1-4") == {"1", "4"}
    assert found("5-9") == {"5", "9"}
    assert found("10-") == {"10", "12"}


def test_list_is_filtered_by_shop(both_client, products, other_shop):
    Product.objects.create(shop=other_shop, sku="THEIRS", name="Theirs")
    assert listed(both_client.get(LIST)) == {"OAT", "SOY", "TEA-1", "THEIRS"}
    assert listed(both_client.get(LIST, {"shop": other_shop.pk})) == {"THEIRS"}


@pytest.mark.parametrize("value", ["", "x", "-1", "²", "9" * 30, "1 OR 1=1"])
def test_nonsense_in_a_filter_is_no_error(both_client, products, value):
    for name in ("shop", "photos"):
        assert both_client.get(LIST, {name: value}).status_code == 200


def test_list_costs_the_same_number_of_queries_at_5_and_60_products(staff_client, shop):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert staff_client.get(LIST).status_code == 200
        return len(captured)

    def fill(start, end):
        for number in range(start, end):
            product = Product.objects.create(shop=shop, sku=f"{number}", name=f"{number}")
            add_photo(product, number)

    fill(0, 5)
    staff_client.get(LIST)
    few = queries()
    fill(5, 60)
    assert queries() == few <= 12


def test_member_of_one_shop_never_reads_the_word(client, shop, products):
    codenames = [
        f"{verb}_{model}" for verb in ("view", "add", "change") for model in ("product", "productimage")
    ]
    login_with(client, shop, *codenames)
    make_shop("another")
    for address in (LIST, ADD, change_page(products[0]), change_page(products[0], "history")):
        assert "shop" not in client.get(address).content.decode().lower()


def test_member_of_two_shops_has_column_filter_and_field(both_client, products):
    assert "column-shop" in both_client.get(LIST).content.decode()
    page = both_client.get(ADD).context["adminform"].form
    assert {shop.slug for shop in page.fields["shop"].queryset} == {"default", "other"}


def test_product_of_a_member_of_one_shop_belongs_to_it(staff_client, shop, other_shop):
    fields = form_fields(staff_client.get(ADD)) | {"name": "New", "sku": "N"}
    page = staff_client.post(ADD, fields | {"shop": other_shop.pk})
    assert "The shop that you chose is not there any more, or not yours." in page.text
    assert not Product.objects.exists(), "it goes into no other shop than was chosen"
    assert staff_client.post(ADD, fields).status_code == 302
    assert Product.objects.get().shop == shop


def test_product_is_not_put_into_a_shop_that_one_may_not_see(both_client):
    third = make_shop("third")
    page = both_client.post(
        ADD, form_fields(both_client.get(ADD)) | {"name": "N", "sku": "N", "shop": third.pk}
    )
    assert page.context["adminform"].form.errors.keys() == {"shop"}
    assert not Product.objects.exists()


@pytest.mark.parametrize("who", ["staff_client", "both_client", "admin_client"])
def test_sku_that_is_taken_is_an_error_beside_the_field(request, who, shop, products):
    client = request.getfixturevalue(who)
    fields = form_fields(client.get(ADD)) | {"name": "Another", "sku": "OAT", "price": "3.20"}
    if who == "both_client":
        fields["shop"] = shop.pk
    page = client.post(ADD, fields)
    assert page.context["adminform"].form.errors == {"sku": ["Another product has this SKU already."]}
    assert 'value="Another"' in page.content.decode()
    assert 'value="3.20"' in page.content.decode()
    page = client.post(
        change_page(products[1]), form_fields(client.get(change_page(products[1]))) | {"sku": "OAT"}
    )
    assert page.context["adminform"].form.errors == {"sku": ["Another product has this SKU already."]}
    assert Product.objects.get(pk=products[1].pk).sku == "SOY"


def test_product_keeps_its_own_sku_when_it_is_saved(staff_client, products):
    fields = form_fields(staff_client.get(change_page(products[0]))) | {"name": "Oat drink"}
    assert staff_client.post(change_page(products[0]), fields).status_code == 302
    product = Product.objects.get(pk=products[0].pk)
    assert (product.name, product.sku, product.shop_id) == ("Oat drink", "OAT", products[0].shop_id)


def test_negative_price_is_refused(staff_client, products):
    fields = form_fields(staff_client.get(change_page(products[0]))) | {"price": "-1"}
    assert "price" in staff_client.post(change_page(products[0]), fields).context["adminform"].form.errors


def test_staff_of_another_shop_reach_nothing(client, products, other_shop):
    client.force_login(make_staff("stranger", other_shop))
    assert listed(client.get(LIST)) == set()
    assert listed(client.get(LIST, {"q": "milk", "shop": products[0].shop_id})) == set()
    for name in ("change", "delete", "history"):
        assert client.get(change_page(products[0], name)).status_code == 302
    assert client.post(change_page(products[0]), {"name": "Mine", "sku": "M"}).status_code == 404
    assert client.post(change_page(products[0], "delete"), {"post": "yes"}).status_code == 302
    selected = {"_selected_action": [products[0].pk]}
    client.post(LIST, {"action": "switch_off", **selected})
    client.post(LIST, {"action": "delete_selected", "post": "yes", **selected})
    product = Product.objects.get(pk=products[0].pk)
    assert (product.name, product.is_active) == ("Oat milk", True)


def test_staff_without_permission_and_customers_reach_nothing(client, products, shop):
    login_with(client, shop)
    for address in (LIST, ADD, change_page(products[0])):
        assert client.get(address).status_code == 403
    client.force_login(get_user_model().objects.create_user("customer"))
    for address in (LIST, ADD, change_page(products[0])):
        assert client.get(address).status_code == 302


def test_staff_who_may_only_look_get_a_page_without_anything_to_fill_in(client, products, shop):
    photo = add_photo(products[0])
    login_with(client, shop, "view_product", "view_productimage")
    page = client.get(change_page(products[0]))
    text = page.content.decode()
    assert page.status_code == 200
    assert "Oat milk" in text
    assert photo.sha256 in text
    assert "new_photos" not in text
    assert 'type="file"' not in text
    assert "Add photos" not in text


def test_staff_without_a_shop_cannot_add_products(client, db):
    client.force_login(make_staff("new"))
    assert client.get(ADD).status_code == 403
    assert listed(client.get(LIST)) == set()


def test_products_are_switched_off_and_on_together(staff_client, products):
    selected = {"_selected_action": [product.pk for product in products[:2]]}
    staff_client.post(LIST, {"action": "switch_off", **selected})
    assert {product.sku for product in Product.objects.filter(is_active=True)} == {"TEA-1"}
    staff_client.post(LIST, {"action": "switch_on", **selected})
    assert Product.objects.filter(is_active=True).count() == 3


def test_shops_are_listed_to_their_members_only(staff_client, shop, other_shop):
    page = staff_client.get(reverse("admin:catalog_shop_changelist"))
    assert list(page.context["cl"].result_list) == [shop]
    theirs = reverse("admin:catalog_shop_change", args=[other_shop.pk])
    assert staff_client.get(theirs).status_code == 302
