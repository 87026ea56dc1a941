"""A file that could not be written to its end is not there at all."""

import errno

import pytest
from django.core.files.base import ContentFile

from catalog.models import ProductImage
from catalog.storage import WholeFilesStorage
from tests.factories import photo_bytes
from tests.support.pages.forms import form_fields, upload


class Cut(ContentFile):
    """Content whose writing fails half-way, as on a full disk."""

    def chunks(self, chunk_size=None):
        yield b"the beginning"
        raise OSError(errno.ENOSPC, "No space left on device")


def test_no_half_file_stays(tmp_path):
    storage = WholeFilesStorage(tmp_path)

    with pytest.raises(OSError, match="No space"):
        storage.save("shop/photo.jpg", Cut(b"all of it"))

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_whole_files_are_kept(tmp_path):
    name = WholeFilesStorage(tmp_path).save("shop/photo.jpg", ContentFile(b"all of it"))

    assert (tmp_path / name).read_bytes() == b"all of it"


def test_a_disk_that_fills_up_keeps_what_was_stored_and_says_what_was_not(
    staff_client, product, monkeypatch, settings
):
    address = f"/admin/catalog/product/{product.pk}/change/"
    photos = [upload(f"{seed}.jpg", photo_bytes(0, seed)) for seed in range(3)]
    form = form_fields(staff_client.get(address), "product_form")
    written, write = [], WholeFilesStorage._save

    def write_two(storage, name, content):
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(name)
        return write(storage, name, content)

    monkeypatch.setattr(WholeFilesStorage, "_save", write_two)  # the disk is what is outside
    page = staff_client.post(address, {**form, "new_photos": photos, "_continue": "1"}, follow=True)

    assert page.status_code == 200
    assert "1 photo could not be stored: No space left on device." in page.text
    assert "2 photos added." in page.text
    assert ProductImage.objects.count() == 2
