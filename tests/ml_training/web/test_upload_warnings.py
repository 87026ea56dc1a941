"""A new photo that looks like another product is warned of; whatever happens, it is saved."""

import pytest
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from catalog.models import Product, ProductImage
from ml_training.models import ModelVersion, ShopTraining
from ml_training.recognition.recognize import recognize
from ml_training.storage import storage
from ml_training.versions import load
from ml_training.web import upload_warnings as second_look
from tests.factories import photo_bytes
from tests.support.pages.forms import form_fields
from tests.support.training import trained, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


def page_of(product: Product) -> str:
    return reverse("admin:catalog_product_change", args=[product.pk])


def add(client, product: Product, *photos: tuple[int, int]) -> list[str]:
    """Add photos by the product's form, and return what was said."""
    fields = form_fields(client.get(page_of(product)))
    files = [
        SimpleUploadedFile(f"IMG_{kind}_{seed}.jpg", photo_bytes(kind, seed), "image/jpeg")
        for kind, seed in photos
    ]
    before = product.images.count()
    response = client.post(page_of(product), fields | {"new_photos": files})
    assert response.status_code == 302
    assert product.images.count() == before + len(photos)
    return [str(message) for message in get_messages(response.wsgi_request)]


def warnings(said: list[str]) -> list[str]:
    return [text for text in said if "did you mean that one?" in text]


@pytest.fixture
def products(shop) -> list[Product]:
    trained(shop, products=6, photos=10)
    return list(Product.objects.order_by("pk"))


def test_photo_of_another_product_is_warned_of_and_saved(staff_client, products):
    said = add(staff_client, products[0], (1, 700))
    (warning,) = warnings(said)
    assert warning.startswith("IMG_1_700.jpg is ")
    assert "% like Product 1: did you mean that one?" in warning
    assert "A photo of the label would tell them apart." in warning
    assert any(text.startswith("1 photo added.") for text in said)


def test_photos_of_the_product_itself_are_not(staff_client, products):
    assert warnings(add(staff_client, products[2], (2, 700), (2, 701), (2, 702))) == []


@pytest.mark.parametrize("kind", [1, 3])
def test_product_that_the_model_does_not_know_is_warned_of_only_if_the_answer_is_sure(
    staff_client, products, shop, kind
):
    new = Product.objects.create(shop=shop, sku="new", name="New")
    answer = recognize(shop, photo_bytes(kind, 700))
    is_sure = answer.recognized and answer.candidates[0].probability >= second_look.SURE
    assert len(warnings(add(staff_client, new, (kind, 700)))) == is_sure


def test_only_so_many_photos_are_looked_at(staff_client, products, monkeypatch):
    monkeypatch.setattr(second_look, "MAX_PHOTOS", 2)
    assert len(warnings(add(staff_client, products[0], *[(1, 700 + n) for n in range(5)]))) <= 2


def test_there_is_an_end_to_the_time_that_it_takes(staff_client, products, monkeypatch):
    monkeypatch.setattr(second_look, "SECONDS", -1)
    assert warnings(add(staff_client, products[0], (1, 700))) == []


def test_shop_without_a_model_says_nothing(staff_client, shop, caplog):
    product = Product.objects.create(shop=shop, sku="a", name="A")
    assert warnings(add(staff_client, product, (0, 0))) == []
    assert "not looked at" not in caplog.text


def test_damaged_model_is_logged_and_the_photo_is_saved(staff_client, products, caplog):
    version = ShopTraining.objects.get().active_version
    storage().delete(f"{version.folder}/weights.safetensors")
    load._loaded.clear()
    assert warnings(add(staff_client, products[0], (1, 700))) == []
    assert "were not looked at" in caplog.text


def test_backbone_that_would_have_to_be_made_first_is_not_waited_for(
    staff_client, products, settings, tmp_path
):
    settings.CACHE_DIR = tmp_path / "empty"
    assert warnings(add(staff_client, products[0], (1, 700))) == []


def test_warned_photo_trains_like_any_other(staff_client, products, shop):
    add(staff_client, products[0], (1, 700))
    work()
    assert ModelVersion.objects.first().photos == ProductImage.objects.count() == 61
