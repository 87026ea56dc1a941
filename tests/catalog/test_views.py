"""Photos over HTTP: the original byte for byte, a small upright thumbnail, and nothing to strangers."""

import io
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.urls import reverse
from PIL import Image

from catalog.models import Product, ProductImage
from tests.factories import add_photo, draw, encode, make_staff, photo_bytes
from tests.support.odd_files import TURNED_RIGHT, with_exif

BOTH = pytest.mark.parametrize("view", ["photo", "photo-thumbnail"])


@pytest.fixture
def photo(product) -> ProductImage:
    return add_photo(product)


def address(photo: ProductImage, view: str = "photo") -> str:
    return reverse(view, args=[photo.pk, photo.sha256])


@pytest.mark.parametrize(
    ("format", "content_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("HEIF", "image/heic"),
    ],
)
def test_original_is_served_byte_for_byte(staff_client, product, format, content_type):
    data = with_exif(format, TURNED_RIGHT)
    response = staff_client.get(address(add_photo(product, data=data)))
    assert response.status_code == 200
    assert response.getvalue() == data
    assert response["Content-Type"] == content_type
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"].startswith("inline")


@BOTH
def test_photo_may_be_kept_for_ever_but_only_by_the_browser(staff_client, photo, view):
    cache = staff_client.get(address(photo, view))["Cache-Control"]
    assert "private" in cache
    assert "immutable" in cache
    assert "public" not in cache


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_thumbnail_is_a_small_upright_jpeg_of_any_format(staff_client, product, format):
    data = with_exif(format, TURNED_RIGHT, draw(1, size=(900, 600)))
    response = staff_client.get(address(add_photo(product, data=data), "photo-thumbnail"))
    assert response["Content-Type"] == "image/jpeg"
    thumbnail = Image.open(io.BytesIO(response.content))
    assert (thumbnail.format, thumbnail.size) == ("JPEG", (160, 240))
    assert not thumbnail.getexif(), "a thumbnail tells nothing of place and camera"


@pytest.mark.parametrize("mode", ["CMYK", "L", "RGBA", "P", "I;16"])
def test_thumbnail_is_made_of_any_kind_of_pixels(staff_client, product, mode):
    image = draw(0).convert("L") if mode == "I;16" else draw(0)
    data = encode(image.convert(mode), "JPEG" if mode in {"CMYK", "L"} else "PNG")
    response = staff_client.get(address(add_photo(product, data=data), "photo-thumbnail"))
    assert Image.open(io.BytesIO(response.content)).size == (96, 96)


def test_very_long_and_thin_photo_has_a_thumbnail(staff_client, product):
    photo = add_photo(product, data=encode(Image.new("RGB", (32, 20_000)), "PNG"))
    response = staff_client.get(address(photo, "photo-thumbnail"))
    assert Image.open(io.BytesIO(response.content)).size == (1, 240)


@BOTH
def test_anonymous_visitor_is_sent_to_the_login(client, photo, view):
    response = client.get(address(photo, view))
    assert response.status_code == 302
    assert response.url.startswith(reverse("admin:login"))


@BOTH
@pytest.mark.parametrize("who", ["customer", "staff of another shop", "staff without permission"])
def test_stranger_is_told_that_there_is_no_such_photo(client, photo, shop, other_shop, view, who):
    if who == "customer":
        user = get_user_model().objects.create_user("customer")
        shop.members.add(user)
    elif who == "staff of another shop":
        user = make_staff("stranger", other_shop)
    else:
        user = make_staff("trainee", shop, permissions=False)
    client.force_login(user)
    assert client.get(address(photo, view)).status_code == 404


@BOTH
def test_superuser_sees_photos_of_every_shop(admin_client, other_shop, view):
    photo = add_photo(Product.objects.create(shop=other_shop, sku="B", name="B"))
    assert admin_client.get(address(photo, view)).status_code == 200


@BOTH
def test_address_with_another_hash_finds_nothing(staff_client, photo, view):
    for sha256 in ("0" * 64, "x", photo.sha256.upper()):
        assert staff_client.get(reverse(view, args=[photo.pk, sha256])).status_code == 404


@BOTH
def test_replaced_photo_has_a_new_address_and_the_old_one_ends(staff_client, photo, view):
    old = address(photo, view)
    photo.image = ContentFile(photo_bytes(seed=9), name="new.jpg")
    photo.save()
    assert staff_client.get(old).status_code == 404
    assert staff_client.get(address(photo, view)).status_code == 200


@BOTH
def test_photo_whose_file_is_missing_is_not_found(staff_client, photo, view):
    Path(photo.image.path).unlink()
    assert staff_client.get(address(photo, view)).status_code == 404


def test_photo_whose_file_was_damaged_later_has_no_thumbnail(staff_client, photo):
    Path(photo.image.path).write_bytes(photo_bytes()[:300])
    assert staff_client.get(address(photo, "photo-thumbnail")).status_code == 404


@BOTH
def test_photos_are_only_read(staff_client, photo, view):
    assert staff_client.head(address(photo, view)).status_code == 200
    for method in (staff_client.post, staff_client.put, staff_client.delete):
        assert method(address(photo, view)).status_code == 405
