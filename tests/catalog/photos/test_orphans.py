"""Files that no row names are found and removed, after a day; nothing else is touched."""

import os
import time
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from catalog.models import ProductImage
from catalog.photos import orphans
from catalog.photos.orphans import remove_orphans
from catalog.storage import WholeFilesStorage
from tests.factories import add_photo
from till.models import Correction

pytestmark = pytest.mark.django_db


def put(name: str, hours: float = 48) -> str:
    default_storage.save(name, ContentFile(b"x"))
    then = time.time() - hours * 3600
    os.utime(default_storage.path(name), (then, then))
    return name


def stored() -> set[str]:
    return set(orphans.walk(default_storage))


ORPHAN = f"7/{'a' * 32}.jpg"


def test_file_without_a_row_goes_after_a_day(product):
    photo = add_photo(product)
    then = time.time() - 48 * 3600
    os.utime(default_storage.path(photo.image.name), (then, then))
    put(ORPHAN)
    young = put(f"7/{'b' * 32}.png", hours=1)
    assert remove_orphans() == 1
    assert stored() == {photo.image.name, young}
    assert remove_orphans(now=True) == 1
    assert stored() == {photo.image.name}


def test_photo_of_a_correction_is_no_orphan(product):
    correction = Correction(shop=product.shop, key="12345678-1234-5678-1234-567812345678", chosen=product)
    correction.save()
    correction.photo.save("photo.jpg", ContentFile(b"x"))
    put(f"till/7/{'c' * 32}.jpg")
    assert remove_orphans(now=True) == 1
    assert stored() == {correction.photo.name}


@pytest.mark.parametrize("name", ["notes.txt", "7/list.csv", "7/@eaDir/thumb.jpg", "backup/7/photo.jpg"])
def test_files_of_others_stay(name):
    put(name)
    assert remove_orphans(now=True) == 0
    assert stored() == {name}


def test_folder_of_another_database_is_left_alone_and_named(product, caplog):
    add_photo(product)
    for number in range(30):
        put(f"7/{number:032x}.jpg")
    assert remove_orphans() == 0
    assert len(stored()) == 31
    assert "30 of 31 photo files belong to no photo in this database" in caplog.text
    assert remove_orphans(now=True) == 30


def test_file_that_cannot_be_removed_stops_nothing(product, monkeypatch, caplog):
    put(ORPHAN)
    other = put(f"7/{'b' * 32}.jpg")

    def refuse_one(self, name):
        if name == ORPHAN:
            raise OSError("read-only")
        Path(default_storage.path(name)).unlink()

    monkeypatch.setattr(WholeFilesStorage, "delete", refuse_one)
    assert remove_orphans() == 1
    assert stored() == {ORPHAN}
    assert other not in stored()
    assert "could not be removed" in caplog.text
    assert not ProductImage.objects.exists()
