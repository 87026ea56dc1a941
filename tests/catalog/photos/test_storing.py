"""Storing photos holds no database for long, and a save that fails leaves no files."""

from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction
from django.db.models.signals import post_save, pre_save

from catalog.models import Product, ProductImage
from catalog.photo_files import PhotoFacts
from catalog.photos.orphans import walk
from tests.factories import add_photo, photo_bytes
from tests.support.pages.forms import page_of, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def inodes():
    """Where uploads lie when their rows are about to be saved, by name."""
    found = {}

    def note(instance, **kwargs):
        found[instance.filename] = Path(instance.image.file.temporary_file_path()).stat().st_ino

    pre_save.connect(note, sender=ProductImage)
    yield found
    pre_save.disconnect(note, sender=ProductImage)


def test_large_upload_is_not_copied_while_the_transaction_is_open(staff_client, product, inodes, settings):
    """The same file on the same disk: nothing of it is written any more."""
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0  # as a request of more than 2.5 MB
    assert settings.FILE_UPLOAD_TEMP_DIR.parent == settings.DATA_DIR
    submit(staff_client, page_of(product), [("a.jpg", photo_bytes(0, 1)), ("b.jpg", photo_bytes(0, 2))])
    for photo in product.images.all():
        assert Path(default_storage.path(photo.image.name)).stat().st_ino == inodes[photo.filename]
    assert len(inodes) == 2
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


def test_form_that_fails_after_its_photos_were_stored_leaves_no_files(staff_client, product, monkeypatch):
    def fail(instance, **kwargs):
        if ProductImage.objects.filter(product=product).count() == 2:
            raise RuntimeError("after two photos")

    post_save.connect(fail, sender=ProductImage)
    try:
        with pytest.raises(RuntimeError):
            submit(
                staff_client,
                page_of(product),
                [(f"{n}.jpg", photo_bytes(0, n)) for n in range(3)],
                name="New",
            )
    finally:
        post_save.disconnect(fail, sender=ProductImage)
    product.refresh_from_db()
    assert product.name == "Oat milk"
    assert not product.images.exists()
    assert list(walk(default_storage)) == []


def test_photo_that_somebody_added_at_this_moment_leaves_no_second_file(product):
    photo = add_photo(product, 0, 1)
    with TemporaryUploadedFile("again.jpg", "image/jpeg", 0, None) as file:
        file.write(photo_bytes(0, 1))
        file.seek(0)
        twin = ProductImage(product=product, image=file)
        twin.clean = lambda: vars(twin).update(  # as checked before the other one came
            facts=photo_facts(photo), filename="again.jpg", sha256=photo.sha256, width=9, height=9
        )
        with pytest.raises(ValidationError), transaction.atomic():
            twin.save()
    assert list(walk(default_storage)) == [photo.image.name]
    assert Product.objects.get().images.count() == 1


def photo_facts(photo: ProductImage):
    return PhotoFacts(photo.sha256, photo.width, photo.height, "jpg")


@pytest.mark.django_db(transaction=True)
def test_what_fails_after_the_commit_takes_no_photo_away(product):
    def fail():
        raise RuntimeError("after the commit")

    def call_later(instance, **kwargs):
        transaction.on_commit(fail)

    post_save.connect(call_later, sender=ProductImage)
    try:
        with pytest.raises(RuntimeError):
            add_photo(product)
    finally:
        post_save.disconnect(call_later, sender=ProductImage)
    photo = product.images.get()
    assert list(walk(default_storage)) == [photo.image.name]
