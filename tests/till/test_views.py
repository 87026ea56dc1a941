"""What a till fetches: whole files of the model that serves and of no other, thumbnails of what is sold."""

import hashlib
import io

import httpx
import pytest
from django.urls import reverse
from PIL import Image

from ml_training.storage import storage
from tests.factories import bearer, fill, stock
from tests.support.tills import HEAD, get, publish
from till.models import Till

STATE = reverse("till-state")


def file(sha256: str) -> str:
    return reverse("till-file", args=[sha256])


def test_head_and_backbone_come_byte_for_byte_and_may_be_kept_for_ever(till, served, backbone):
    for described, content in (
        (served.files["head_onnx"]["sha256"], HEAD + f"{served.shop_id}".encode()),
        (backbone.sha256, backbone.path.read_bytes()),
    ):
        answer = get(file(described), till.secret)
        assert b"".join(answer.streaming_content) == content
        assert answer["Content-Length"] == str(len(content))
        assert {"private", "immutable"} <= set(answer["Cache-Control"].split(", "))


def test_files_of_no_other_version_are_given(till, shop, served, backbone):
    newer = publish(shop, backbone, head_onnx=b"newer")
    assert get(file(served.files["head_onnx"]["sha256"]), till.secret).status_code == 404
    assert get(file(newer.files["head_onnx"]["sha256"]), till.secret).status_code == 200
    for kind in ("model_json", "metadata"):
        assert get(file(newer.files[kind]["sha256"]), till.secret).status_code == 404
    for odd in ("0" * 64, "..", "%00", "x" * 900):
        assert get(f"/till/files/{odd}.onnx", till.secret).status_code == 404


def test_file_that_is_missing_from_the_storage_is_not_found(till, served):
    head = served.files["head_onnx"]
    storage().delete(f"{served.folder}/{head['name']}")
    assert get(file(head["sha256"]), till.secret).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_file_comes_in_steps_through_a_real_web_server(server, shop, backbone):
    stock(shop, 2, 1)
    version, secret = publish(shop, backbone), bearer(shop, "till")
    url = f"http://127.0.0.1:{server.port}{file(backbone.sha256)}"
    with httpx.stream("GET", url, headers={"Authorization": f"Bearer {secret}"}) as answer:
        assert answer.headers["Content-Length"] == str(backbone.path.stat().st_size)
        chunks = list(answer.iter_raw())
    assert len(chunks) > 4
    assert hashlib.sha256(b"".join(chunks)).hexdigest() == backbone.sha256
    assert version.files["head_onnx"]["sha256"] != backbone.sha256


def test_thumbnail_is_a_small_jpeg_of_a_product_that_is_sold(till, shelf_products):
    photo = shelf_products[0].images.first()
    address = reverse("till-thumbnail", args=[photo.pk, photo.sha256])
    answer = get(address, till.secret)
    assert Image.open(io.BytesIO(answer.content)).format == "JPEG"
    assert "immutable" in answer["Cache-Control"]
    assert get(reverse("till-thumbnail", args=[photo.pk, "0" * 64]), till.secret).status_code == 404
    shelf_products[0].is_active = False
    shelf_products[0].save()
    assert get(address, till.secret).status_code == 404


def test_thumbnail_whose_file_is_missing_is_not_found(till, shop):
    (product,) = fill(shop, 1, 1)
    photo = product.images.get()
    answer = get(reverse("till-thumbnail", args=[photo.pk, photo.sha256]), till.secret)
    assert answer.status_code == 404
    assert "missing" in answer.json()["errors"][0]["message"]


def test_version_that_a_till_answers_with_is_noted(till):
    for told, kept in (("7", 7), ("", 7), ("8", 8), ("-1", 8), ("٣", 8), ("9" * 300, 8), ("x", 8)):
        header = {"X-Till-Version": told.encode().decode("latin1")}
        assert get(STATE, till.secret, **header).status_code == 200
        assert Till.objects.get().version == kept


def test_token_with_the_scope_that_was_made_by_hand_works_without_a_row(shop, served):
    answer = get(STATE, bearer(shop, "till"), **{"X-Till-Version": "7"})
    assert (answer.status_code, answer.json()["till"]) == (200, None)
    assert not Till.objects.exists()
