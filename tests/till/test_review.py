"""What becomes of corrections by clicking through: taken as photos, for another product, or refused."""

import pytest
from django.core.files.storage import storages

from catalog.models import Product, ProductImage
from tests.factories import add_photo, make_staff, stock
from tests.support.pages.forms import form_fields
from tests.support.tills import CORRECTIONS, act, limited, listed, photo_of, picture, told, waiting
from tests.support.training import counters
from till.models import Correction


@pytest.fixture
def committing(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_taken_photo_becomes_one_of_the_product_and_training_starts(
    staff_client, staff, shop, shelf_products, committing
):
    said, chosen, _ = shelf_products
    rows = [waiting(shop, said, chosen), waiting(shop, said, said)]
    sent = [row.photo.read() for row in rows]
    wanted, before = counters(shop)[0], set(ProductImage.objects.values_list("pk", flat=True))
    with committing():
        response = act(staff_client, "take", *rows)
    assert told(response) == ["2 photos added. The recogniser is learning."]
    new = list(ProductImage.objects.exclude(pk__in=before).order_by("pk"))
    assert {photo.product for photo in new} == {said, chosen}
    assert {photo.image.read() for photo in new} == set(sent)
    assert all(photo.filename.startswith("till-") for photo in new)
    assert [photo.position for photo in new] == [1, 1]
    assert counters(shop)[0] == wanted + 2
    for row in Correction.objects.all():
        assert (row.state, row.decided_by, bool(row.photo)) == ("taken", staff, False)
        assert row.decided_at is not None
    assert storages["default"].listdir(f"till/{shop.pk}")[1] == []
    assert listed(staff_client) == []


def test_nothing_is_learned_before_somebody_decides(shop, shelf_products):
    before = counters(shop), ProductImage.objects.count()
    waiting(shop, *shelf_products[:2])
    assert (counters(shop), ProductImage.objects.count()) == before


def test_duplicate_is_told_and_stops_no_other(staff_client, shop, shelf_products):
    chosen = shelf_products[0]
    twin = picture((96, 80))
    add_photo(chosen, data=twin)
    rows = [waiting(shop, None, chosen, twin), waiting(shop, None, chosen), waiting(shop, None, chosen)]
    Correction.objects.filter(pk=rows[1].pk).update(photo="till/gone.jpg")
    messages = told(act(staff_client, "take", *rows))
    assert len(messages) == 3
    assert any("already has this photo" in text for text in messages)
    assert any("missing from the storage" in text for text in messages)
    assert "1 photo added. The recogniser is learning." in messages
    assert [row.state for row in Correction.objects.order_by("pk")] == ["waiting", "waiting", "taken"]
    assert Correction.objects.get(pk=rows[0].pk).photo


def test_product_that_is_gone_is_told_and_another_can_take_the_photo(staff_client, shop, shelf_products):
    row = waiting(shop, None, shelf_products[0])
    name = shelf_products[0].name
    shelf_products[0].delete()
    assert told(act(staff_client, "take", row)) == [
        f"{name} is not in the catalogue any more: take its photo for another product."
    ]
    act(staff_client, "take_for_another", row, product=shelf_products[1].pk)
    assert shelf_products[1].images.count() == 3


def test_photos_are_taken_for_another_product(staff_client, shop, other_shop, shelf_products):
    apple, pear, kiwi = shelf_products
    foreign = stock(other_shop, 1, 0)[0]
    rows = [waiting(shop, apple, pear), waiting(shop, kiwi, pear)]
    page = act(staff_client, "take_for_another", *rows, follow=False)
    assert page.status_code == 200
    assert foreign.name not in [str(product) for product in page.context["form"].fields["product"].queryset
                                if product.shop != shop]  # fmt: skip
    assert "2 photos are added" in page.text
    hidden = form_fields(page, "other_product_form")
    assert hidden["action"] == "take_for_another"
    refused = act(staff_client, "take_for_another", *rows, follow=False, product=foreign.pk)
    assert refused.context["form"].errors
    assert foreign.images.count() == 0
    response = act(staff_client, "take_for_another", *rows, product=kiwi.pk)
    assert told(response) == ["2 photos added. The recogniser is learning."]
    assert (kiwi.images.count(), pear.images.count()) == (4, 2)
    assert [(row.chosen, row.chosen_name, row.is_right) for row in Correction.objects.order_by("pk")] == [
        (kiwi, kiwi.name, False),
        (kiwi, kiwi.name, True),
    ], "the figures tell what it really was"


def test_photos_of_two_shops_have_no_product_in_common(client, shop, other_shop, shelf_products):
    client.force_login(make_staff("both", shop, other_shop))
    foreign = stock(other_shop, 1, 0)[0]
    rows = [waiting(shop, None, shelf_products[0]), waiting(other_shop, None, foreign)]
    assert told(act(client, "take_for_another", *rows)) == ["Choose photos of one shop."]
    assert foreign.images.count() == 0


def test_refused_photo_is_deleted_and_the_figure_stays(staff_client, staff, shop, shelf_products, committing):
    row = waiting(shop, *shelf_products[:2])
    with committing():
        assert told(act(staff_client, "refuse", row)) == ["1 refused. Its photo is deleted."]
    row.refresh_from_db()
    assert (row.state, row.decided_by, bool(row.photo), row.is_right) == ("refused", staff, False, False)
    assert storages["default"].listdir(f"till/{shop.pk}")[1] == []
    assert staff_client.get(photo_of(row)).status_code == 404


def test_what_was_decided_stays_decided(staff_client, shop, shelf_products):
    row = waiting(shop, *shelf_products[:2])
    act(staff_client, "refuse", row)
    before = ProductImage.objects.count()
    staff_client.post(f"{CORRECTIONS}?state=all", {"action": "take", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert (row.state, ProductImage.objects.count()) == ("refused", before)


@pytest.mark.parametrize(
    ("own", "others", "stored"), [("", "", True), ("111", "", False), ("", "4006381333931", False)]
)
def test_barcode_is_stored_where_there_is_none_and_nobody_else_has_it(
    staff_client, shop, shelf_products, own, others, stored
):
    apple, pear, _ = shelf_products
    Product.objects.filter(pk=apple.pk).update(barcode=own)
    Product.objects.filter(pk=pear.pk).update(barcode=others)
    row = waiting(shop, None, apple, code="4006381333931")
    messages = told(act(staff_client, "take", row))
    apple.refresh_from_db()
    assert apple.barcode == ("4006381333931" if stored else own)
    assert ("1 barcode stored." in messages) == stored


def test_two_with_the_same_barcode_give_it_to_one_product(staff_client, shop, shelf_products):
    rows = [waiting(shop, None, product, code="4006381333931") for product in shelf_products[:2]]
    act(staff_client, "take", *rows)
    assert Product.objects.filter(barcode="4006381333931").count() == 1


def test_barcode_alone_can_be_taken(staff_client, shop, shelf_products):
    row = waiting(shop, None, shelf_products[0], code="4006381333931")
    row.drop_photo()
    assert told(act(staff_client, "take", row)) == ["1 barcode stored."]
    assert Correction.objects.get().state == "taken"


def test_barcode_needs_the_permission_to_change_products(client, shop, shelf_products):
    limited(client, shop, "view_correction", "change_correction", "add_productimage")
    row = waiting(shop, None, shelf_products[0], code="4006381333931")
    assert told(act(client, "take", row)) == ["1 photo added. The recogniser is learning."]
    assert not Product.objects.filter(barcode="4006381333931").exists()
