"""What a till is told: the shelf with prices, thresholds as the shop chose them, the files that match."""

import pytest
from django.urls import reverse

from catalog.models import Product
from ml_training.models import ShopTraining
from tests.factories import add_version, choose, fill
from tests.support.tills import OPEN_SET, get, publish
from till.models import TillSettings
from till.release import release
from till.state import _find_backbone, backbone_of

STATE = reverse("till-state")


def state(till, **headers) -> dict:
    answer = get(STATE, till.secret, **headers)
    assert answer.status_code == 200
    return answer.json()


def test_state_tells_shop_device_and_release(till, shop):
    told = state(till)
    assert told["release"] == release()
    assert told["shop"] == {"id": shop.pk, "slug": shop.slug, "name": shop.name, "currency": "EUR"}
    assert (told["till"], told["person"], told["photos"]) == (till.token.name, None, True)
    TillSettings.objects.create(shop=shop, keeps_photos=False)
    assert state(till)["photos"] is False


def test_products_on_the_shelf_come_by_name_with_price_unit_and_picture(till, shop, shelf_products):
    apple, pear, kiwi = shelf_products
    Product.objects.filter(pk=apple.pk).update(
        name="Zebra", price="12.90", unit="kg", barcode="4006381333931"
    )
    Product.objects.filter(pk=kiwi.pk).update(is_active=False)
    Product.objects.create(shop=shop, sku="BARE", name="Bare")
    products = state(till)["products"]
    assert [product["name"] for product in products] == ["Bare", pear.name, "Zebra"]
    cover = apple.images.first()
    assert products[2] == {
        "id": apple.pk,
        "sku": apple.sku,
        "name": "Zebra",
        "price": "12.90",
        "unit": "kg",
        "barcode": "4006381333931",
        "thumbnail": f"/till/thumbnails/{cover.pk}/{cover.sha256}.jpg",
    }
    assert (products[0]["price"], products[0]["unit"], products[0]["thumbnail"]) == (None, "piece", None)


def test_model_is_described_with_the_files_as_they_are(till, served, shelf_products, backbone):
    model = state(till)["model"]
    assert model["version"] == served.number
    assert model["labels"] == sorted(product.pk for product in shelf_products)
    assert model["temperature"] == 1.25
    assert model["backbone"]["id"] == backbone.id
    assert model["backbone"]["sha256"] == backbone.sha256
    assert model["backbone"]["bytes"] == backbone.path.stat().st_size
    assert model["backbone"]["preprocessing"] == backbone.preprocessing.as_json()
    assert model["head"]["bytes"] == served.files["head_onnx"]["bytes"]
    for part in ("backbone", "head"):
        assert model[part]["url"] == f"/till/files/{model[part]['sha256']}.onnx"


def test_thresholds_are_those_that_the_shop_chose(till, shop, served):
    choose(shop, names_wrong_choice="0.05", foreign_shown_choice="0.1")
    model = state(till)["model"]
    assert model["named_above"] == {str(views): pytest.approx(5.1 + views) for views in (1, 2, 3, 5)}
    assert {name: model[name] for name in ("confidence", "unknown_below", "list_gap")} == {
        name: OPEN_SET[name] for name in ("confidence", "unknown_below", "list_gap")
    }
    choose(shop, names_wrong_choice="0.01", foreign_shown_choice="0.02")
    assert state(till)["model"]["named_above"]["1"] == pytest.approx(1.02 + 1)


def test_model_that_does_not_say_how_far_to_trust_it_says_nothing(till, shop, shelf_products, backbone):
    publish(shop, backbone, open_set=None)
    model = state(till)["model"]
    assert [model[name] for name in ("confidence", "named_above", "unknown_below", "list_gap")] == [None] * 4


def test_shop_without_a_model_is_told_what_to_do(till, shelf_products):
    told = state(till)
    assert told["model"] is None
    assert "no model yet" in told["no_model"]
    assert len(told["products"]) == 3, "search and barcodes work all the same"


def test_model_of_an_earlier_release_is_none_for_tills(till, shop, shelf_products):
    add_version(shop)
    told = state(till)
    assert told["model"] is None
    assert "before there were tills" in told["no_model"]


def test_model_whose_files_or_backbone_are_gone_is_none_and_says_so(till, shop, shelf_products, backbone):
    version = publish(shop, backbone)
    assert "no_model" not in state(till)
    version.backbone = "gone"
    publish(shop, backbone, model_json=b'{"backbone": {"id": "gone"}, "open_set": null}')
    assert "needs the backbone gone" in state(till)["no_model"]
    damaged = publish(shop, backbone)
    damaged.files["metadata"]["sha256"] = "0" * 64
    damaged.files["model_json"]["sha256"] = "1" * 64
    damaged.save()
    assert "damaged" in state(till)["no_model"]


def test_backbone_that_left_the_cache_is_found_anew(tmp_path, settings, backbone):
    _find_backbone.cache_clear()
    for name in ("first", "second"):
        settings.CACHE_DIR = tmp_path / name
        copy = tmp_path / name / "backbones" / backbone.path.name
        copy.parent.mkdir(parents=True)
        copy.write_bytes(backbone.path.read_bytes())
        assert backbone_of(backbone.id).path == copy
        copy.unlink()
    _find_backbone.cache_clear()


def test_number_of_queries_is_the_same_however_many_products_there_are(
    till, shop, served, django_assert_num_queries
):
    state(till)
    fill(shop, 300, 1)
    with django_assert_num_queries(5):
        assert len(state(till)["products"]) == 303


def test_active_version_changes_the_state_and_the_same_gives_304(till, shop, served, backbone):
    first = get(STATE, till.secret)
    assert get(STATE, till.secret, **{"If-None-Match": first["ETag"]}).status_code == 304
    changed = publish(shop, backbone, head_onnx=b"another head")
    second = get(STATE, till.secret, **{"If-None-Match": first["ETag"]})
    assert second.status_code == 200
    assert second.json()["model"]["version"] == changed.number
    assert second["ETag"] != first["ETag"]
    ShopTraining.objects.filter(shop=shop).update(active_version=None)
    assert get(STATE, till.secret, **{"If-None-Match": second["ETag"]}).json()["model"] is None
