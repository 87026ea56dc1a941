"""recognizeProduct, tried as whoever may not: the photo is not even looked at."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.factories import bearer, expired, make_staff, photo_bytes, revoked
from tests.support.api import code, recognize


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda shop: "", "UNAUTHENTICATED"),
        (lambda shop: "shs_wrong", "UNAUTHENTICATED"),
        (lambda shop: expired(shop, "recognize"), "UNAUTHENTICATED"),
        (lambda shop: revoked(shop, "recognize"), "UNAUTHENTICATED"),
        (lambda shop: bearer(shop, "read", "train"), "FORBIDDEN"),
        (lambda shop: bearer(shop, "recognize"), "CONFLICT"),  # allowed, and there is no model yet
    ],
)
def test_who_may_recognise(shop, make, expected):
    assert code(recognize(make(shop), photo_bytes())) == expected


def test_shop_of_others_is_not_recognised_in(shop, other_shop):
    query = (
        f"mutation ($image: Upload!) {{ recognizeProduct(shopId: {shop.pk}, image: $image) {{ version }} }}"
    )
    form = {
        "operations": json.dumps({"query": query, "variables": {"image": None}}),
        "map": '{"0": ["variables.image"]}',
    }
    client = Client()
    client.force_login(make_staff("stranger", other_shop))
    for headers in ({}, {"Authorization": f"Bearer {bearer(other_shop, 'recognize')}"}):
        form["0"] = SimpleUploadedFile("a.jpg", photo_bytes())
        assert code(client.post("/graphql/", form, headers=headers).json()) == "NOT_FOUND"
