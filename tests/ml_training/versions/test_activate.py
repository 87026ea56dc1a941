"""Versions of earlier releases have no head.onnx, and lack nothing."""

import pytest
from django.urls import reverse

from ml_training.models import ModelVersion
from ml_training.recognition.recognize import recognize
from ml_training.status.shop import training_info
from ml_training.storage import storage
from ml_training.versions import activate
from ml_training.versions import files as version_files
from ml_training.versions.files import ModelFileDamaged
from tests.factories import add_photo, bearer, photo_bytes
from tests.support.api import ask, data
from tests.support.training import active_version, model_files, trained, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


@pytest.fixture
def earlier(shop) -> ModelVersion:
    """The active version, as an earlier release made it."""
    version = trained(shop, products=3, photos=2)
    described = version.files.pop("head_onnx")
    version.save(update_fields=["files"])
    storage().delete(f"{version.folder}/{described['name']}")
    return version


def test_it_answers_and_can_be_rolled_back_to(shop, earlier):
    add_photo(shop.products.first(), 0, seed=9)
    work()
    assert active_version(shop).number == 2
    assert activate.activate_version(earlier)
    assert active_version(shop) == earlier
    assert recognize(shop, photo_bytes(0, seed=20)).version == 1


def test_it_is_complete(shop, earlier, staff_client):
    info = training_info(shop)
    assert (info.files_present, len(info.files)) == (4, 4)
    page = staff_client.get(reverse("admin:ml_model")).content.decode()
    assert "4 of 4" in page
    assert "head.onnx" not in page
    answer = data(ask("{ mlModelInfo { files { kind present } } }", token=bearer(shop, "read")))
    assert [file["kind"] for file in answer["mlModelInfo"]["files"]] == [
        "MODEL_JSON",
        "WEIGHTS",
        "METADATA",
        "ONNX",
    ]


def test_its_files_are_downloaded_and_removed(shop, earlier, staff_client, tmp_path):
    for file in training_info(shop).files:
        assert staff_client.get(file.url).status_code == 200
    other = reverse("model-file", args=[earlier.pk, "0" * 64, "head.onnx"])
    assert staff_client.get(other).status_code == 404
    version_files.remove(earlier.folder)
    assert model_files(tmp_path) == []


def test_newer_version_whose_head_file_is_lost_is_not_activated(shop):
    version = trained(shop, products=2, photos=1)
    activate.deactivate(shop)
    storage().delete(f"{version.folder}/head.onnx")
    with pytest.raises(ModelFileDamaged, match=r"head\.onnx of version 1 is missing"):
        activate.activate_version(version)
    assert active_version(shop) is None
