"""Each answer can show the catalogue photo it rests on; who does not ask for it pays nothing."""

import json

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.models import ProductImage
from ml_training.models import ImageEmbedding, ModelVersion
from ml_training.recognition.explain import nearest_photos
from tests.factories import add_photo, bearer, photo_bytes
from tests.support.training import trained

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]
WITH, WITHOUT = "nearestPhoto { databaseId filename url }", ""


def recognize(shop, extra: str, *scopes: str) -> dict:
    query = f"""mutation ($image: Upload!) {{ recognizeProduct(image: $image, limit: 3) {{
      candidates {{ productId {extra} }} }} }}"""
    form = {
        "operations": json.dumps({"query": query, "variables": {"image": None}}),
        "map": '{"0": ["variables.image"]}',
        "0": SimpleUploadedFile("a.jpg", photo_bytes(1, 2)),
    }
    return (
        Client().post("/graphql/", form, headers={"Authorization": f"Bearer {bearer(shop, *scopes)}"}).json()
    )


def told(capsys, tmp_path, *options: str) -> dict:
    (tmp_path / "a.jpg").write_bytes(photo_bytes(1, 2))
    call_command("recognize", str(tmp_path / "a.jpg"), "--json", *options)
    return json.loads(capsys.readouterr().out)["results"][0]["candidates"][0]


def test_same_photo_is_its_own_nearest(shop):
    trained(shop, products=3, photos=4)
    candidates = recognize(shop, WITH, "recognize", "read")["data"]["recognizeProduct"]["candidates"]
    photo = ProductImage.objects.get(filename="photo-1-2.jpg")
    assert candidates[0]["productId"] == str(photo.product_id)
    assert candidates[0]["nearestPhoto"] == {
        "databaseId": str(photo.pk),
        "filename": "photo-1-2.jpg",
        "url": reverse("photo", args=[photo.pk, photo.sha256]),
    }
    products = dict(ProductImage.objects.values_list("pk", "product"))
    for candidate in candidates:
        assert str(products[int(candidate["nearestPhoto"]["databaseId"])]) == candidate["productId"]


def test_who_may_not_see_photos_gets_the_answer_and_no_photo(shop):
    trained(shop, products=3, photos=2)
    assert "errors" not in recognize(shop, WITHOUT, "recognize")
    refused = recognize(shop, WITH, "recognize")
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    found = refused["data"]["recognizeProduct"]["candidates"]
    assert len(found) == 3
    assert all(candidate["nearestPhoto"] is None for candidate in found)


def test_photos_are_read_only_when_asked_for(shop):
    trained(shop, products=3, photos=2)
    with CaptureQueriesContext(connection) as captured:
        recognize(shop, WITHOUT, "recognize", "read")
    assert not any("catalog_productimage" in query["sql"] for query in captured.captured_queries)
    with CaptureQueriesContext(connection) as captured:
        recognize(shop, WITH, "recognize", "read")
    asked = [query for query in captured.captured_queries if "catalog_productimage" in query["sql"]]
    assert len(asked) <= 4  # one a candidate, and the photos themselves


def test_command_names_it_with_explain_and_is_as_before_without(shop, capsys, tmp_path):
    trained(shop, products=3, photos=4)
    assert told(capsys, tmp_path).keys() == {
        "product_id",
        "sku",
        "name",
        "probability",
        "price",
        "barcode",
        "unit",
    }
    near = told(capsys, tmp_path, "--explain")["nearest_photo"]
    assert near["filename"] == "photo-1-2.jpg"
    assert near["likeness"] > 0.99
    assert near["url"].startswith("/photos/")
    assert near["path"]


def test_product_without_vectors_has_none(shop, capsys, tmp_path):
    version = trained(shop, products=3, photos=2)
    vector = ImageEmbedding.objects.first().vector
    query = np.frombuffer(vector, "<f4")
    pks = list(ProductImage.objects.values_list("product", flat=True).distinct())
    assert len(nearest_photos(version.backbone, query, pks)) == 3
    ImageEmbedding.objects.all().delete()
    assert nearest_photos(version.backbone, query, pks) == {}
    assert told(capsys, tmp_path, "--explain")["nearest_photo"] is None


def test_photo_added_since_the_version_was_made_counts_once_it_is_embedded(shop):
    version = trained(shop, products=2, photos=2)
    photo = add_photo(ProductImage.objects.first().product, kind=0, seed=99)
    vector = np.zeros(len(ImageEmbedding.objects.first().vector) // 4, np.float32)
    vector[0] = 1
    ImageEmbedding.objects.create(sha256=photo.sha256, backbone=version.backbone, vector=vector.tobytes())
    (found,) = nearest_photos(version.backbone, vector, [photo.product_id]).values()
    assert found == (photo, 1.0)
    assert ModelVersion.objects.count() == 1
