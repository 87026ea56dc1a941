"""recognizeProduct: who may ask, and how; whoever may not is refused before a photo is looked at."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from ml_training.recognition.recognize import recognize as answer_of
from tests.factories import bearer, expired, make_staff, photo_bytes, revoked
from tests.support.api import ask, code, data, recognize, recognize_together
from tests.support.training import trained


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


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda shop: "", "UNAUTHENTICATED"),
        (lambda shop: bearer(shop, "read", "train"), "FORBIDDEN"),
        (lambda shop: bearer(shop, "recognize"), "CONFLICT"),
    ],
)
def test_who_may_recognise_several_photos(shop, make, expected):
    assert code(recognize_together(make(shop), photo_bytes(), photo_bytes(0, 1))) == expected


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_several_photos_of_a_product_are_answered_once_and_together(shop):
    trained(shop, products=3, photos=3)
    photos = [photo_bytes(1, seed) for seed in (50, 51, 52)]
    answer = data(recognize_together(bearer(shop, "recognize"), *photos))["recognizeProduct"]
    expected, alone = answer_of(shop, *photos), answer_of(shop, photos[0])
    assert answer["answer"] == expected.answer
    assert answer["confidence"] == pytest.approx(expected.confidence)
    assert answer["confidence"] != pytest.approx(alone.confidence)
    assert {one["unit"] for one in answer["candidates"]} == {"PIECE"}
    found = {one["productId"]: one["probability"] for one in answer["candidates"]}
    assert found == {str(one.product_id): pytest.approx(one.probability) for one in expected.candidates}


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_one_of_images_is_answered_as_image_is_and_five_are_taken(shop):
    trained(shop, products=2, photos=2)
    token = bearer(shop, "recognize")
    alone = data(recognize(token, photo_bytes(1)))["recognizeProduct"]["candidates"]
    listed = data(recognize_together(token, photo_bytes(1)))["recognizeProduct"]["candidates"]
    assert [(one["productId"], one["probability"]) for one in alone] == [
        (one["productId"], one["probability"]) for one in listed
    ]
    assert data(recognize_together(token, *[photo_bytes(0, seed) for seed in range(5)]))


@pytest.mark.parametrize(
    ("photos", "image", "sentence"),
    [
        (1, photo_bytes(), "Send either image or images."),
        (0, photo_bytes(), "Send either image or images."),
        (0, None, "images takes 1 to 5 photos of one product."),
        (6, None, "images takes 1 to 5 photos of one product."),
    ],
)
def test_photos_are_sent_one_way_and_are_five_at_most(shop, photos, image, sentence):
    token = bearer(shop, "recognize")
    answer = recognize_together(token, *[photo_bytes()] * photos, image=image)
    assert (code(answer), answer["errors"][0]["message"]) == ("BAD_INPUT", sentence)


def test_request_without_a_photo_is_told_how_to_send_one(shop):
    answer = ask("mutation { recognizeProduct { version } }", token=bearer(shop, "recognize"))
    assert (code(answer), answer["errors"][0]["message"]) == ("BAD_INPUT", "Send either image or images.")


def test_each_photo_has_the_limit_of_one(shop, settings):
    settings.PHOTO_MAX_MEGABYTES = 1
    large = b"x" * (1024**2 + 1)
    answer = recognize_together(bearer(shop, "recognize"), photo_bytes(), large)
    assert code(answer) == "TOO_LARGE"


@pytest.mark.training
@pytest.mark.django_db(transaction=True)
def test_file_among_them_that_is_no_photo_is_refused(shop):
    trained(shop, products=2, photos=1)
    answer = recognize_together(bearer(shop, "recognize"), photo_bytes(), b"no photo")
    assert code(answer) == "BAD_INPUT"


def test_aliases_do_not_multiply_the_photos_of_a_request(shop):
    fields = " ".join(f"a{n}: recognizeProduct(images: [$i, $i]) {{ version }}" for n in range(4))
    form = {
        "operations": json.dumps(
            {"query": f"mutation ($i: Upload!) {{ {fields} }}", "variables": {"i": None}}
        ),
        "map": '{"0": ["variables.i"]}',
        "0": SimpleUploadedFile("a.jpg", photo_bytes()),
    }
    headers = {"Authorization": f"Bearer {bearer(shop, 'recognize')}"}
    answer = Client().post("/graphql/", form, headers=headers).json()
    codes = [error["extensions"]["code"] for error in answer["errors"]]
    assert codes == [
        "CONFLICT",
        "CONFLICT",
        "TOO_COMPLEX",
        "TOO_COMPLEX",
    ]  # five photos, and there is no model
