"""The demo's shop: the first start fills it with what the files say, and no later one changes it."""

import csv
import io
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models.signals import post_save

from catalog.management.commands import demo_setup
from catalog.models import Product, ProductImage, Shop

ROWS = list(csv.DictReader((demo_setup.DEMO / "products.csv").open(encoding="utf-8")))
BARCODES = [row["barcode"] for row in ROWS if row["barcode"]]
HEAD = "sku,name,barcode,price,unit\n"


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("DEMO_PASSWORD", "password")


def run() -> str:
    """Standard output of a start that does its job."""
    out, err = io.StringIO(), io.StringIO()
    call_command("demo_setup", stdout=out, stderr=err)
    assert err.getvalue() == ""
    return out.getvalue()


def everything() -> tuple[list, list]:
    """All rows of products and photos, with all their columns."""
    return list(Product.objects.order_by("pk").values()), list(ProductImage.objects.order_by("pk").values())


# --- What is in the files --------------------------------------------------------------------------


def test_names_and_barcodes_are_unique_and_prices_have_two_decimals():
    assert len(ROWS) == 16
    assert len({row["name"] for row in ROWS}) == 16
    assert len(set(BARCODES)) == len(BARCODES)
    for row in ROWS:
        assert Decimal(row["price"]) > 0
        assert row["price"][-3] == "."


@pytest.mark.parametrize("barcode", BARCODES)
def test_barcode_is_a_valid_ean_13_for_use_inside_a_shop(barcode):
    digits = [int(character) for character in barcode]
    assert len(digits) == 13
    assert (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0
    assert digits[0] == 2, "20 to 29 belong to no manufacturer"


def test_demo_is_small_enough_to_be_cloned_with_the_code():
    assert sum(path.stat().st_size for path in demo_setup.DEMO.rglob("*.jpg")) < 3_000_000


# --- The first start -------------------------------------------------------------------------------


def test_first_start_fills_the_shop_with_what_the_files_say(shop, other_shop):
    out = run()
    assert "First run" in out
    assert "16 products with 160 photos." in out
    assert not other_shop.products.exists()
    stored = {(item.sku, item.name, item.barcode, f"{item.price}", item.unit) for item in shop.products.all()}
    assert stored == {tuple(row[name] for name in HEAD.strip().split(",")) for row in ROWS}
    assert Shop.objects.get(pk=shop.pk).currency == "SEK"
    assert {product.images.count() for product in shop.products.all()} == {10}
    photo = ProductImage.objects.filter(product__sku="Avocado").first()
    original = demo_setup.DEMO / "photos" / "Avocado" / photo.filename
    with photo.image.open() as file:
        assert file.read() == original.read_bytes()


def interrupt(instance, **kwargs):
    """As Ctrl-C would, in the middle."""
    if instance.product.sku == "Cucumber":
        raise KeyboardInterrupt


def test_first_start_that_was_broken_off_is_made_up_for_the_next_time(transactional_db):
    post_save.connect(interrupt, sender=ProductImage)
    try:
        with pytest.raises(KeyboardInterrupt):
            run()
    finally:
        post_save.disconnect(interrupt, sender=ProductImage)
    assert not Product.objects.exists()
    assert not get_user_model().objects.exists()
    assert "First run" in run()
    assert (Shop.default().products.count(), ProductImage.objects.count()) == (16, 160)
    assert authenticate(username="demo", password="password")


# --- Every start after that ------------------------------------------------------------------------


def test_second_start_changes_nothing(shop):
    run()
    before = everything()
    assert run() == ""
    assert everything() == before


def test_second_start_leaves_alone_what_a_person_has_changed(shop):
    run()
    avocado, banana = (Product.objects.get(sku=sku) for sku in ("Avocado", "Banana"))
    avocado.name, avocado.price, avocado.barcode = "Hass avocado", None, "123"
    avocado.save()
    avocado.images.first().delete()
    banana.delete()
    before = everything()
    run()
    assert everything() == before
    assert len(before[0]) == 15


def test_login_is_made_and_a_shop_with_products_left_alone(product, monkeypatch):
    monkeypatch.setenv("DEMO_PASSWORD", "first password")
    assert run() == ""
    user = authenticate(username="demo", password="first password")
    assert user.is_staff
    assert user.is_superuser
    monkeypatch.setenv("DEMO_PASSWORD", "second password")
    run()
    assert authenticate(username="demo", password="first password") is None
    assert authenticate(username="demo", password="second password") == user
    assert Product.objects.get() == product


def test_shop_is_not_filled_again_for_those_who_deleted_everything(shop):
    get_user_model().objects.create_superuser("demo")
    run()
    assert not Product.objects.exists()


# --- What can be wrong -----------------------------------------------------------------------------


def test_password_is_needed(db, monkeypatch):
    monkeypatch.delenv("DEMO_PASSWORD")
    with pytest.raises(CommandError, match="Set DEMO_PASSWORD"):
        run()
    assert not get_user_model().objects.exists()


@pytest.fixture
def own_demo(tmp_path, monkeypatch):
    """A demo of two products with a photo each, whose table a test writes."""
    for sku in ("Avocado", "Banana"):
        (tmp_path / "demo" / "photos" / sku).mkdir(parents=True)
        original = min((demo_setup.DEMO / "photos" / sku).glob("*.jpg"))
        shutil.copy(original, tmp_path / "demo" / "photos" / sku)
    monkeypatch.setattr(demo_setup, "DEMO", tmp_path / "demo")
    return tmp_path / "demo"


def test_photos_that_cannot_be_stored_are_an_error_and_nothing_is_kept(shop):
    Path(default_storage.location).write_bytes(b"")  # a file where the folder of the photos should be
    with pytest.raises(CommandError, match="A photo of the demo could not be stored: "):
        run()
    assert not Product.objects.exists()
    assert not get_user_model().objects.exists()


def test_photo_that_is_refused_is_an_error_and_nothing_is_kept(shop, own_demo):
    (own_demo / "products.csv").write_text(HEAD + "Avocado,Avocado,,,piece\nBanana,Banana,,2.00,kg\n")
    (own_demo / "photos" / "Banana" / "bad.jpg").write_bytes(b"no photo")
    with pytest.raises(CommandError, match=r"photo Banana/bad\.jpg was refused: "):
        run()
    assert not Product.objects.exists()


def test_product_may_have_no_price(shop, own_demo):
    (own_demo / "products.csv").write_text(HEAD + "Avocado,Avocado,,,piece\nBanana,Banana,,2.00,kg\n")
    run()
    assert list(Product.objects.values_list("price", flat=True)) == [None, Decimal("2.00")]


@pytest.mark.django_db
def test_an_empty_demo_has_the_login_and_no_products_and_stays_empty():
    call_command("demo_setup", "--empty", stdout=io.StringIO())
    run()

    assert authenticate(username="demo", password="password") is not None
    assert not Product.objects.exists()
