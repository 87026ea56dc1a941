"""What tills send back: kept once, from one's own shop, whatever else is sent along."""

import io
import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.core.files.storage import storages
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from catalog.models import Product
from tests.factories import bearer, encode, make_shop, make_staff, stock
from tests.support.tills import correction, headers_of, picture, send
from tests.support.training import at_once
from till.intake import MAX_PHOTO_BYTES
from till.models import Correction, Till, TillSettings

ADDRESS = reverse("till-corrections")


def sentence(answer) -> str:
    return answer.json()["errors"][0]["message"]


def test_correction_is_kept_with_who_made_it(till, shop, shelf_products):
    said, chosen, _ = shelf_products
    fields = correction(said, chosen, code="4006381333931", views="3")
    answer = send(fields, till.secret, picture())
    assert (answer.status_code, answer.json()) == (201, {"key": fields["key"], "kept": True})
    row = Correction.objects.get()
    assert (row.shop, row.till, row.user) == (shop, till, None)
    assert (row.said, row.chosen, row.is_right) == (said, chosen, False)
    assert (row.said_name, row.chosen_name) == (said.name, chosen.name)
    assert (row.answer, row.version, row.confidence, row.views) == ("NAMED", 3, 0.9, 3)
    assert (row.code, row.state) == ("4006381333931", "waiting")
    assert row.made_at.isoformat() == fields["made_at"]
    assert abs(row.received_at - timezone.now()) < timedelta(minutes=1)
    assert Image.open(io.BytesIO(row.photo.read())).size == (640, 640)


def test_confirmation_is_right_and_a_product_found_by_search_is_neither(till, shelf_products):
    said, other, _ = shelf_products
    send(correction(said, said), till.secret)
    send(correction(None, other), till.secret)
    assert list(Correction.objects.order_by("pk").values_list("is_right", "answer", "said")) == [
        (True, "NAMED", said.pk),
        (None, "", None),
    ]


def test_staff_send_by_their_session(staff_client, staff, shelf_products):
    assert staff_client.post(ADDRESS, correction(None, shelf_products[0])).status_code == 201
    row = Correction.objects.get()
    assert (row.user, row.till) == (staff, None)


def test_what_one_person_tapped_is_not_sent_by_another(staff_client, staff, shelf_products):
    fields = correction(None, shelf_products[0])
    address = reverse("till-corrections")
    refused = staff_client.post(address, fields, headers={"X-Till-Person": str(staff.pk + 1)})
    assert (refused.status_code, Correction.objects.count()) == (401, 0)
    assert "Somebody else has logged in" in refused.json()["errors"][0]["message"]
    taken = staff_client.post(address, fields, headers={"X-Till-Person": str(staff.pk)})
    assert (taken.status_code, Correction.objects.get().user) == (201, staff)


def test_same_key_is_kept_once_and_answered_as_the_first_time(till, shelf_products):
    fields = correction(shelf_products[0], shelf_products[1])
    first = send(fields, till.secret, picture())
    again = send(fields | {"chosen": shelf_products[2].pk}, till.secret, picture())
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert Correction.objects.get().chosen == shelf_products[1]
    assert len(storages["default"].listdir(f"till/{till.token.shop_id}")[1]) == 1


def test_same_key_of_another_shop_is_another_correction(till, shelf_products, other_shop):
    product = Product.objects.create(shop=other_shop, sku="A", name="A")
    key = str(uuid.uuid4())
    assert send(correction(None, shelf_products[0], key=key), till.secret).status_code == 201
    assert send(correction(None, product, key=key), bearer(other_shop, "till")).status_code == 201
    assert Correction.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_same_key_at_the_same_moment_is_kept_once_with_one_photo(shop):
    product = stock(shop, 1, 0)[0]
    secret, fields = bearer(shop, "till"), correction(None, product)
    calls = [partial(send, fields, secret, picture()) for _ in range(4)]
    answers = at_once(calls)
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert Correction.objects.count() == 1
    assert len(storages["default"].listdir(f"till/{shop.pk}")[1]) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", ""),
        ("key", "no uuid"),
        ("answer", "MAYBE"),
        ("chosen", ""),
        ("chosen", "-1"),
        ("chosen", "1e3"),
        ("chosen", "٣"),
        ("said", "x"),
        ("version", "9" * 30),
        ("version", "1.5"),
        ("views", "6"),
        ("confidence", "2"),
        ("confidence", "nan"),
        ("confidence", "inf"),
        ("confidence", "much"),
        ("code", "4" * 65),
        ("code", "<script>\x00"),
    ],
)
def test_value_that_cannot_be_is_refused_with_a_sentence(till, shelf_products, field, value):
    fields = correction(shelf_products[0], shelf_products[1]) | {field: value}
    answer = send(fields, till.secret)
    assert answer.status_code == 400
    assert field in sentence(answer)
    assert not Correction.objects.exists()


@pytest.mark.parametrize(
    "moment", ["", "yesterday", "2026-13-45T99:99", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
               "2026-01-01T00:00:00", "1970-01-01T00:00:00Z"]
)  # fmt: skip
def test_clock_that_is_wrong_costs_nothing_but_the_time_it_said(till, shelf_products, moment):
    answer = send(correction(None, shelf_products[0], made_at=moment), till.secret)
    assert answer.status_code == 201
    assert Correction.objects.get().made_at is None


def test_product_of_another_shop_or_gone_is_not_found(till, shelf_products):
    foreign = make_shop("foreign", products=1).products.get()
    for field in ("said", "chosen"):
        for pk in (foreign.pk, 2**62):
            answer = send(correction(*shelf_products[:2]) | {field: pk}, till.secret)
            assert answer.status_code == 404
            assert foreign.name not in sentence(answer)
    assert not Correction.objects.exists()


def test_product_that_was_switched_off_meanwhile_is_taken(till, shelf_products):
    Product.objects.update(is_active=False)
    assert send(correction(*shelf_products[:2]), till.secret).status_code == 201


@pytest.mark.parametrize(
    ("photo", "why"),
    [
        (b"no picture at all", "cannot be read as a photo"),
        (picture()[:3000], "damaged or cut off"),
        (picture((20, 20)), "less than 32 pixels"),
        (encode(Image.new("1", (9000, 9000)), "PNG"), "megapixels"),
        (b"\xff\xd8" + b"x" * MAX_PHOTO_BYTES, "larger than a till sends"),
    ],
)
def test_photo_that_is_none_is_refused_and_nothing_is_kept(till, shelf_products, photo, why):
    answer = send(correction(*shelf_products[:2]), till.secret, photo)
    assert answer.status_code == 400
    assert why in sentence(answer)
    assert not Correction.objects.exists()
    assert not storages["default"].exists("till")


def test_photo_is_left_out_where_the_shop_wants_none(till, shop, shelf_products):
    TillSettings.objects.create(shop=shop, keeps_photos=False)
    assert send(correction(*shelf_products[:2]), till.secret, b"whatever").status_code == 201
    assert not Correction.objects.get().photo
    assert not storages["default"].exists("till")


def test_form_that_cannot_be_read_is_refused_with_a_sentence(till, client):
    for kind, body in (
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\n1'),
        ("application/json", b"{}"),
    ):
        answer = client.post(ADDRESS, body, content_type=kind, headers=headers_of(till.secret))
        assert answer.status_code == 400
        assert sentence(answer)


def test_staff_of_several_shops_say_which(client, shop, other_shop, shelf_products):
    client.force_login(make_staff("both", shop, other_shop))
    fields = correction(None, shelf_products[0])
    answer = client.post(ADDRESS, fields)
    assert answer.status_code == 400
    assert len(answer.json()["shops"]) == 2
    assert client.post(f"{ADDRESS}?shop={other_shop.slug}", fields).status_code == 404
    assert client.post(f"{ADDRESS}?shop={shop.slug}", fields).status_code == 201


def test_row_survives_its_till_and_its_products(till, shelf_products):
    said, chosen, _ = shelf_products
    send(correction(said, chosen), till.secret)
    Till.objects.all().delete()
    said.delete()
    chosen.delete()
    row = Correction.objects.get()
    assert (row.till, row.said, row.chosen) == (None, None, None)
    assert (row.said_name, row.chosen_name) == (said.name, chosen.name)
