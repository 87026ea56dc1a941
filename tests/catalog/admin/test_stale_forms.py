"""Two people at once: a form that was opened before the other saved loses nothing of either."""

import pytest

from catalog.models import Product, ProductImage
from tests.factories import add_photo, photo_bytes
from tests.support.pages.forms import form_fields, upload


@pytest.fixture
def address(product):
    return f"/admin/catalog/product/{product.pk}/change/"


def opened(client, address) -> dict:
    return form_fields(client.get(address), "product_form")


def send(client, address, fields, **changes):
    return client.post(address, {**fields, **changes, "_continue": "1"}, follow=True)


def test_a_photo_that_was_deleted_meanwhile_keeps_nothing_else_from_being_saved(
    staff_client, product, address
):
    first, second = add_photo(product, 0, 1), add_photo(product, 0, 2)
    form = opened(staff_client, address)
    first.delete()

    photo = upload("new.jpg", photo_bytes(0, 3))
    page = send(staff_client, address, form, name="Other", new_photos=[photo])

    assert page.status_code == 200
    assert "Somebody else has deleted or moved 1 photo of this form meanwhile." in page.text
    product.refresh_from_db()
    assert product.name == "Other"
    assert [one.filename for one in product.images.all()] == [second.filename, "new.jpg"]


def test_a_photo_that_was_moved_meanwhile_stays_where_it_is_though_it_was_to_be_deleted(
    staff_client, product, address
):
    other = Product.objects.create(shop=product.shop, sku="other", name="Other")
    photo, kept = add_photo(product, 0, 1), add_photo(product, 0, 2)
    form = opened(staff_client, address)
    ProductImage.objects.filter(pk=photo.pk).update(product=other)

    page = send(staff_client, address, form, **{"images-0-DELETE": "on"})

    assert page.status_code == 200
    assert [one.pk for one in other.images.all()] == [photo.pk]
    assert [one.pk for one in product.images.all()] == [kept.pk]


def test_marks_stay_with_their_photos_when_one_before_them_is_gone(staff_client, product, address):
    photos = [add_photo(product, 0, seed) for seed in range(3)]
    form = opened(staff_client, address)
    photos[0].delete()

    send(staff_client, address, form, **{"images-1-DELETE": "on"})

    assert [one.pk for one in product.images.all()] == [photos[2].pk]


def test_a_form_that_is_shown_again_takes_back_nothing_that_others_saved(staff_client, product, address):
    form = opened(staff_client, address)
    Product.objects.filter(pk=product.pk).update(name="Theirs", price="3.10", is_active=False)

    page = send(staff_client, address, form, sku="")
    again = form_fields(page)
    assert (again["name"], again["price"], again.get("is_active")) == ("Theirs", "3.10", None)
    send(staff_client, address, again, sku="MINE")

    product.refresh_from_db()
    values = (product.sku, product.name, str(product.price), product.is_active)
    assert values == ("MINE", "Theirs", "3.10", False)


def test_a_product_that_was_deleted_meanwhile_is_shown_again_to_be_added(staff_client, product, address):
    add_photo(product)
    form = opened(staff_client, address)
    product.delete()

    page = send(staff_client, address, form, name="Rare cheese", price="7.20")

    assert page.status_code == 200
    assert not Product.objects.exists()
    assert "Somebody has deleted this product meanwhile" in page.text
    again = form_fields(page, "product_form")
    assert (again["name"], again["price"]) == ("Rare cheese", "7.20")
    assert 'action="/admin/catalog/product/add/"' in page.text
    send(staff_client, "/admin/catalog/product/add/", again)
    assert [(one.name, str(one.price)) for one in Product.objects.all()] == [("Rare cheese", "7.20")]


def test_what_the_other_changed_and_one_did_not_touch_stays_as_the_other_left_it(
    staff_client, product, address
):
    form = opened(staff_client, address)
    Product.objects.filter(pk=product.pk).update(price="3.00")

    send(staff_client, address, form, name="Other")

    product.refresh_from_db()
    assert (product.name, str(product.price)) == ("Other", "3.00")


def test_who_saves_over_another_s_change_is_told_and_decides(staff_client, product, address):
    form = opened(staff_client, address)
    Product.objects.filter(pk=product.pk).update(name="Theirs")

    page = send(staff_client, address, form, name="Mine")

    product.refresh_from_db()
    assert product.name == "Theirs"
    assert "Somebody else has changed this to Theirs meanwhile. Save again to keep yours." in page.text
    again = form_fields(page, "product_form")
    assert again["name"] == "Mine"
    send(staff_client, address, again)
    product.refresh_from_db()
    assert product.name == "Mine"


@pytest.mark.parametrize(
    "told", ["", "[", "[1]", '{"name": 5, "price": null}', "null", "[" * 100_000], ids=lambda told: told[:12]
)
def test_a_form_that_does_not_say_what_it_was_opened_with_is_saved(staff_client, product, address, told):
    form = opened(staff_client, address)

    send(staff_client, address, form, name="Other", opened_with=told)

    product.refresh_from_db()
    assert product.name == "Other"


@pytest.mark.parametrize("count", ["", "x", "-1", "99999999", "²"])
def test_an_odd_number_of_photos_is_a_form_again_and_no_fault(staff_client, product, address, count):
    add_photo(product)
    form = opened(staff_client, address)

    assert send(staff_client, address, form, **{"images-INITIAL_FORMS": count}).status_code == 200
    assert product.images.count() == 1
