"""Corrections in the admin: seen beside their products, filtered, by staff of the shop alone."""

import pytest
from django.urls import reverse

from catalog.models import ProductImage
from tests.factories import add_photo, make_staff, stock
from tests.support.tills import CORRECTIONS, act, limited, listed, photo_of, waiting
from till.models import Correction


def test_list_shows_photo_and_two_photos_of_both_products(staff_client, shop, shelf_products):
    said, chosen, _ = shelf_products
    add_photo(said, 4, 8)  # a third one
    row = waiting(shop, said, chosen, confidence=0.93)
    text = staff_client.get(CORRECTIONS).text
    assert photo_of(row) in text
    for product in (said, chosen):
        shown = [
            photo for photo in product.images.all()
            if reverse("photo-thumbnail", args=[photo.pk, photo.sha256]) in text
        ]  # fmt: skip
        assert shown == list(product.images.all()[:2])
        assert product.name in text
    assert "gave a name, 93 %" in text


def test_confirmed_and_searched_are_told_apart(staff_client, shop, shelf_products):
    waiting(shop, shelf_products[0], shelf_products[0])
    assert "yes, right" in staff_client.get(CORRECTIONS).text
    waiting(shop, None, shelf_products[1])
    assert "nothing: found by search" in staff_client.get(CORRECTIONS).text


def test_list_begins_with_what_waits_and_can_be_filtered(staff_client, shop, shelf_products):
    apple, pear, kiwi = shelf_products
    right, other = waiting(shop, apple, apple), waiting(shop, apple, pear)
    found, taken = waiting(shop, None, kiwi), waiting(shop, apple, apple)
    Correction.objects.filter(pk=taken.pk).update(state="taken")
    bare = waiting(shop, apple, apple)
    bare.drop_photo()
    code = waiting(shop, None, kiwi, code="987")
    code.drop_photo()
    everything = {right, other, found, taken, bare, code}
    for query, wanted in (
        ("", {right, other, found, code}),
        ("?state=taken", {taken}),
        ("?state=refused", set()),
        ("?state=all", everything),
        ("?said=right", {right}),
        ("?said=other", {other}),
        ("?said=NAMED", {right, other}),
        ("?said=CHOOSE", set()),
        ("?said=nothing", {found, code}),
        (f"?product={pear.pk}", {other}),
        (f"?product={kiwi.pk}&said=nothing", {found, code}),
        ("?product=x", {right, other, found, code}),
        ("?q=" + pear.name.replace(" ", "+"), {other}),
    ):
        assert listed(staff_client, query) == sorted(row.pk for row in wanted), query


@pytest.mark.parametrize("missing", ["change_correction", "add_productimage"])
def test_taking_needs_both_permissions(client, shop, shelf_products, missing):
    names = {"view_correction", "change_correction", "add_productimage"}
    limited(client, shop, *(names - {missing}))
    row = waiting(shop, *shelf_products[:2])
    before = ProductImage.objects.count()
    assert "Take" not in client.get(CORRECTIONS).text
    for action in ("take", "take_for_another"):
        act(client, action, row, product=shelf_products[0].pk)
    assert ProductImage.objects.count() == before
    assert Correction.objects.get().state == "waiting"


def test_staff_see_and_decide_corrections_of_their_own_shops_only(staff_client, other_shop, client, shop):
    foreign = stock(other_shop, 2, 1)
    row = waiting(other_shop, *foreign)
    assert listed(staff_client, "?state=all") == []
    assert foreign[0].name not in staff_client.get(f"{CORRECTIONS}?state=all").text
    for action in ("take", "refuse", "take_for_another"):
        act(staff_client, action, row, product=foreign[0].pk)
    assert Correction.objects.get().state == "waiting"
    assert staff_client.get(photo_of(row)).status_code == 404
    assert staff_client.get(reverse("admin:till_correction_change", args=[row.pk])).status_code == 302


def test_photo_is_served_to_staff_of_the_shop_alone(client, shop, shelf_products, till):
    row = waiting(shop, *shelf_products[:2])
    assert client.get(photo_of(row)).status_code == 302
    assert client.get(photo_of(row), headers={"Authorization": f"Bearer {till.secret}"}).status_code == 302
    limited(client, shop, "view_product")
    assert client.get(photo_of(row)).status_code == 404
    client.force_login(make_staff("boss", shop))
    answer = client.get(photo_of(row))
    assert answer.content == row.photo.read()
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    assert "private" in answer["Cache-Control"]
    row.photo.storage.delete(row.photo.name)
    assert client.get(photo_of(row)).status_code == 404


def test_rows_are_neither_added_nor_deleted_nor_changed_by_hand(staff_client, shop, shelf_products):
    row = waiting(shop, *shelf_products[:2])
    assert staff_client.get(reverse("admin:till_correction_add")).status_code == 403
    act(staff_client, "delete_selected", row, post="yes")
    change = reverse("admin:till_correction_change", args=[row.pk])
    staff_client.post(change, {"state": "taken", "is_right": "true"})
    row = Correction.objects.get()
    assert (row.state, row.is_right) == ("waiting", False)


def test_list_costs_the_same_number_of_queries_at_any_length(
    staff_client, shop, django_assert_num_queries, django_assert_max_num_queries
):
    products = stock(shop, 6, 3)
    for said in products:
        for chosen in products:
            waiting(shop, said, chosen)
    with django_assert_max_num_queries(14):
        assert len(listed(staff_client)) == 36
