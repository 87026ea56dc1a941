"""Photos of one form, or of one move, are one row, however many they are."""

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.activity.photos import photos_together
from catalog.activity.rows import MAX_TEXT, Activity
from catalog.models import Product, ProductImage
from catalog.moving import MoveRefused, move_photos
from tests.factories import add_photo, fill, make_staff, photo_bytes
from tests.support.activity import acting, told
from tests.support.pages.forms import form_fields, page_of, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def products(shop) -> list[Product]:
    return fill(shop, 2)


@pytest.fixture
def page(shop) -> Client:
    client = Client()
    client.force_login(make_staff("anna", shop))
    Activity.objects.all().delete()  # the login
    return client


def test_photos_of_one_form_take_one_query_more_not_one_each(page, products):
    for count, seed in ((1, 0), (12, 100)):
        files = [(f"{number}.jpg", photo_bytes(0, seed + number)) for number in range(count)]
        with CaptureQueriesContext(connection) as queries:
            submit(page, page_of(products[0]), files)
        asked = [query["sql"] for query in queries if "catalog_activity" in query["sql"]]
        assert len(asked) == 1, asked
    first, second = told()
    assert first == f"anna added the photo 0.jpg to {products[0]}"
    assert second.startswith(f"anna added 12 photos to {products[0]}: 0.jpg, 1.jpg, ")


def test_added_and_deleted_photos_of_one_form_are_a_row_each(page, products):
    add_photo(products[0], seed=1)
    fields = form_fields(page.get(page_of(products[0])))
    new = SimpleUploadedFile("new.jpg", photo_bytes(0, 2))
    page.post(page_of(products[0]), fields | {"images-0-DELETE": "on", "new_photos": [new]})
    assert [text.split()[1] for text in told()] == ["deleted", "added"]


def test_many_moved_photos_are_one_row_that_says_how_many(products):
    photos = [add_photo(products[0], seed=seed).pk for seed in range(30)]
    with acting("anna"), CaptureQueriesContext(connection) as queries:
        move_photos(photos, products[1])
    assert len([query for query in queries if "catalog_activity" in query["sql"]]) == 1
    (text,) = told()
    assert text.startswith(f"anna moved 30 photos from {products[0]} to {products[1]}: ")
    assert text.endswith(" more")


def test_photos_that_were_refused_are_not_told(products):
    data = photo_bytes(0, 1)
    taken = [add_photo(products[0], data=data), add_photo(products[0], seed=2)]
    add_photo(products[1], data=data)
    with acting("anna"), transaction.atomic(), photos_together():
        with pytest.raises(MoveRefused):
            move_photos([photo.pk for photo in taken], products[1])
        with pytest.raises(ValidationError), transaction.atomic(), photos_together():
            add_photo(products[0], seed=3)
            add_photo(products[0], seed=3)
        add_photo(products[0], seed=4)
    assert len(told()) == 1
    assert told()[0].startswith("anna added the photo ")


def test_product_with_long_names_of_photos_still_says_how_many_there_were(page, products):
    for seed in range(3):
        add_photo(products[0], seed=seed)
    ProductImage.objects.update(filename="x" * 251 + ".jpg")
    page.post(reverse("admin:catalog_product_delete", args=[products[0].pk]), {"post": "yes"})
    (text,) = told()
    assert f"deleted the product {products[0]} with its 3 photos x" in text
    assert text.endswith(" and 2 more")
    assert len(text) < MAX_TEXT
