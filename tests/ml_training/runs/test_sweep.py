"""What belongs to nothing any more goes: model folders, vectors; the worker looks once an hour."""

import os
import time

import pytest
from django.core.files.base import ContentFile

from catalog.photos.orphans import walk
from ml_training.models import ImageEmbedding, ModelVersion
from ml_training.recognition.recognize import recognize
from ml_training.runs import sweep
from ml_training.storage import storage
from tests.factories import bare_version, photo_bytes
from tests.support.training import claimed, trained

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.training]


@pytest.fixture(autouse=True)
def own_cache_mark(settings, tmp_path, monkeypatch):
    folders = {"CACHE_DIR": tmp_path / "marks", "FILE_UPLOAD_TEMP_DIR": tmp_path / "uploads"}
    monkeypatch.setattr(sweep, "settings", type("Settings", (), folders))


def put(name: str, hours: float = 48) -> None:
    storage().save(name, ContentFile(b"x"))
    then = time.time() - hours * 3600
    os.utime(storage().path(name), (then, then))


def age_all(hours: float = 48) -> None:
    then = time.time() - hours * 3600
    for name in walk(storage()):
        os.utime(storage().path(name), (then, then))


def test_model_folders_of_nothing_go_and_those_of_versions_and_runs_stay(shop):
    version = trained(shop, products=2, photos=2)
    run = claimed(shop)
    going = f"{shop.pk}/{run.pk}-{run.worker_token[:8]}"
    put(f"{going}/weights.safetensors")
    put(f"{shop.pk}/999-deadbeef/weights.safetensors")
    put(f"{shop.pk}/backbone-{'a' * 16}/backbone.onnx")
    put(f"{shop.pk}/998-younger1/model.json", hours=1)
    put("notes/mine.txt")
    for number in range(5):  # versions of other runs, so that most folders have a name
        bare_version(shop, number + 50).save()
        folder = f"{shop.pk}/{800 + number}-abcdef12"
        ModelVersion.objects.filter(number=number + 50).update(folder=folder, files_removed_at=None)
        put(f"{folder}/model.json")
    age_all(48)
    put(f"{shop.pk}/997-younger2/model.json", hours=1)
    assert sweep.sweep() == 3
    left = {name.rpartition("/")[0] for name in walk(storage()) if "-abcdef12" not in name}
    assert left == {version.folder, going, "notes", f"{shop.pk}/997-younger2"}
    assert sweep.sweep(now=True) == 1
    assert recognize(shop, photo_bytes()).version == version.number


def test_vectors_of_photos_that_are_gone_go(shop):
    trained(shop, products=2, photos=2)
    photo = shop.products.first().images.first()
    photo.delete()
    assert ImageEmbedding.objects.filter(sha256=photo.sha256).exists()
    assert sweep.sweep() == 1
    assert not ImageEmbedding.objects.filter(sha256=photo.sha256).exists()
    assert ImageEmbedding.objects.count() == 3


def test_worker_looks_once_an_hour(shop, tmp_path):
    trained(shop, products=2, photos=2)
    put(f"{shop.pk}/999-deadbeef/model.json")
    assert sweep.sweep_if_due() == 1
    put(f"{shop.pk}/998-deadbeef/model.json")
    assert sweep.sweep_if_due() == 0
    for moment in (time.time() - 2 * 3600, time.time() + 9 * 3600):  # long ago, or by a clock set back since
        os.utime(tmp_path / "marks" / "swept", (moment, moment))
        assert sweep.sweep_if_due() == 1
        put(f"{shop.pk}/998-deadbeef/model.json")


def test_models_of_another_database_are_left_alone_and_named(shop, caplog):
    for number in range(5):
        put(f"{shop.pk}/{number}-deadbeef/weights.safetensors")
    assert sweep.sweep() == 0
    assert "5 of 5 model folders belong to no version in this database" in caplog.text
    assert sweep.sweep(now=True) == 5


def test_sweep_that_fails_is_logged_and_stops_nothing_else(monkeypatch, caplog):
    def fail(now=False):
        raise PermissionError("closed")

    monkeypatch.setattr(sweep.orphans, "remove_orphans", fail)
    assert sweep.sweep_if_due() == 0
    assert "has failed" in caplog.text


def test_uploads_of_a_server_that_was_killed_go_after_a_day(tmp_path):
    (tmp_path / "uploads").mkdir()
    old, young = (tmp_path / "uploads" / f"tmp{name}.upload.jpg" for name in ("old", "young"))
    for path in (old, young):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 48 * 3600,) * 2)
    assert sweep.sweep() == 1
    assert (old.exists(), young.exists()) == (False, True)
