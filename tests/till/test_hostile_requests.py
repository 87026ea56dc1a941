"""What no page sends, and somebody might: each is refused with a sentence, and nothing breaks."""

from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError

from api.errors import ApiError
from catalog.models import Product
from tests.support.tills import correction, get, picture, send, waiting
from till.intake import _keep
from till.models import Correction

LONE_SURROGATE = "%ED%A0%80"


@pytest.mark.parametrize("text", ["%00", "%FF", LONE_SURROGATE, "x" * 5000, "9" * 40])
@pytest.mark.parametrize(
    "address",
    [
        "/till/state.json?shop={}",
        "/till/files/{}.onnx",
        "/till/thumbnails/1/{}.jpg",
        "/till/thumbnails/{}/ab.jpg",
        "/till/vendor/{}/ort.wasm",
        "/till/vendor/ab/{}.wasm",
    ],
)
def test_address_that_means_nothing_is_not_found(till, served, address, text):
    assert get(address.format(text), till.secret).status_code == 404


@pytest.mark.parametrize(
    "field", ["key", "answer", "said", "chosen", "confidence", "views", "version", "code"]
)
@pytest.mark.parametrize("text", ["\0", "²", "-1", "1" * 100_000, "\N{RIGHT-TO-LEFT OVERRIDE}", "1e999"])
def test_field_that_means_nothing_is_refused_with_a_sentence(till, shelf_products, field, text):
    response = send(correction(*shelf_products[:2]) | {field: text}, till.secret)

    if response.status_code == 201:  # a shop's own codes may be anything that can be typed
        assert field == "code"
        assert text in {"-1", "1e999"}
    else:
        assert response.status_code == 400
        assert response.json()["errors"][0]["message"].startswith(field)
        assert not Correction.objects.exists()


def stored_photos() -> list[Path]:
    return list(Path(default_storage.path("till")).rglob("*.jpg"))


@pytest.mark.django_db(transaction=True)
def test_photo_of_a_product_that_is_deleted_meanwhile_is_not_left_behind(till, shop, shelf_products):
    row = waiting(shop, *shelf_products[:2])
    kept = stored_photos()
    assert len(kept) == 1
    late = Correction(shop=shop, key=till.token.digest[:32], chosen=shelf_products[2], chosen_name="Gone")
    Product.objects.filter(pk=shelf_products[2].pk).delete()

    with pytest.raises(ApiError, match="gone"):
        _keep(late, picture())

    assert stored_photos() == kept
    assert list(Correction.objects.all()) == [row]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError("the disk is full"), SystemExit(1)])
def test_photo_is_not_left_behind_whatever_fails_after_it_was_written(
    shop, shelf_products, monkeypatch, error
):
    save = Correction.save

    def fail_the_second_time(row, **options):
        if row.photo:
            raise error
        save(row, **options)

    monkeypatch.setattr(Correction, "save", fail_the_second_time)
    row = Correction(shop=shop, key=uuid4(), chosen=shelf_products[0], chosen_name="Apple")
    with pytest.raises(type(error)):
        _keep(row, picture())
    assert stored_photos() == []
    assert not Correction.objects.exists()


def test_photo_of_a_row_that_is_deleted_meanwhile_breaks_nothing(shop, shelf_products):
    row = waiting(shop, *shelf_products[:2])
    Correction.objects.filter(pk=row.pk).delete()

    row.drop_photo()

    assert not Correction.objects.exists()
