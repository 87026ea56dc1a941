"""Model files are handed to staff of the shop, and their address never means anything else."""

import hashlib

import pytest
from django.urls import reverse

from ml_training.models import ModelVersion, TrainingRun
from ml_training.recognizer.export import ModelFile
from ml_training.versions import files as version_files
from tests.factories import make_staff

CONTENT = b"some weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def version(shop):
    run = TrainingRun.objects.create(shop=shop, worker_token="a" * 32)
    files = {"weights": ModelFile("weights.safetensors", CONTENT, SHA256)}
    version_files.store(version_files.folder_of(run), files)
    return ModelVersion.objects.create(
        shop=shop,
        number=3,
        run=run,
        backbone="b",
        folder=version_files.folder_of(run),
        files=version_files.describe(files),
        products=2,
        photos=2,
    )


def address(version, sha256=SHA256, name="weights.safetensors") -> str:
    return reverse("model-file", args=[version.pk, sha256, name])


def test_staff_get_the_file_byte_for_byte_and_may_keep_it_for_ever(version, staff_client):
    response = staff_client.get(address(version))
    assert response.status_code == 200
    assert b"".join(response.streaming_content) == CONTENT
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["Content-Disposition"] == 'attachment; filename="v3-weights.safetensors"'
    assert {"private", "immutable"} <= set(response["Cache-Control"].split(", "))


def test_whoever_is_not_logged_in_is_sent_to_the_login(version, client):
    response = client.get(address(version))
    assert response.status_code == 302
    assert "/login/" in response["Location"]


@pytest.mark.parametrize("permissions", [True, False])
def test_staff_of_another_shop_find_nothing(version, client, other_shop, permissions):
    client.force_login(make_staff("neighbour", other_shop, permissions=permissions))
    assert client.get(address(version)).status_code == 404


def test_staff_without_the_permission_find_nothing(version, client, shop):
    client.force_login(make_staff("junior", shop, permissions=False))
    assert client.get(address(version)).status_code == 404


def test_superuser_gets_every_shops_files(version, admin_client):
    assert admin_client.get(address(version)).status_code == 200


@pytest.mark.parametrize(
    ("sha256", "name"),
    [
        ("0" * 64, "weights.safetensors"),
        (SHA256, "model.json"),
        (SHA256, "../secret_key"),
        (SHA256, "..%2f..%2fsecret_key"),
    ],
)
def test_address_that_does_not_fit_the_file_finds_nothing(version, staff_client, sha256, name):
    path = f"/models/{version.pk}/{sha256}/{name}"
    assert staff_client.get(path).status_code == 404


def test_file_that_vanished_from_the_storage_is_not_found(version, staff_client):
    version_files.remove(version.folder)
    assert staff_client.get(address(version)).status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_files_can_only_be_read(version, staff_client, method):
    assert getattr(staff_client, method)(address(version)).status_code == 405
