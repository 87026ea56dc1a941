"""Files of photos go when their rows are gone for good, and not before."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.db import transaction

from catalog.models import Product, ProductImage
from tests.factories import add_photo, make_shop, photo_bytes


class Broken(Exception):
    """Raised by a test in the middle of a transaction."""


def path_of(photo: ProductImage) -> Path:
    return Path(photo.image.path)


@pytest.fixture
def photo(shop) -> ProductImage:
    return add_photo(Product.objects.create(shop=shop, sku="A", name="A"))


def test_deleted_photo_keeps_its_file_until_the_commit(photo, django_capture_on_commit_callbacks):
    path = path_of(photo)
    with django_capture_on_commit_callbacks() as callbacks:
        photo.delete()
    assert path.exists()
    for callback in callbacks:
        callback()
    assert not path.exists()


def test_deletion_that_is_rolled_back_keeps_row_and_file(photo, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        with pytest.raises(Broken), transaction.atomic():
            ProductImage.objects.get().delete()
            raise Broken
    assert not callbacks
    assert ProductImage.objects.get().image.read() == photo_bytes()


def test_deletion_that_really_commits_removes_the_file(transactional_db):
    product = make_shop("real", products=1, photos=2).products.get()
    gone, kept = product.images.all()
    with transaction.atomic():
        gone.delete()
        assert path_of(gone).exists()
    assert not path_of(gone).exists()
    with pytest.raises(Broken), transaction.atomic():
        product.delete()
        raise Broken
    assert path_of(kept).exists()


@pytest.mark.parametrize("what", ["photos", "product", "shop"])
def test_files_go_with_whatever_takes_their_rows_along(db, what, django_capture_on_commit_callbacks):
    shop = make_shop("going", products=2, photos=2)
    stays = add_photo(make_shop("staying", products=1).products.get())
    paths = [path_of(photo) for photo in ProductImage.objects.filter(product__shop=shop)]
    with django_capture_on_commit_callbacks(execute=True):
        if what == "photos":
            ProductImage.objects.filter(product__shop=shop).delete()
        elif what == "product":
            for product in shop.products.all():
                product.delete()
        else:
            shop.delete()
    assert len(paths) == 4
    assert not any(path.exists() for path in paths)
    assert path_of(stays).exists()


def test_replaced_file_goes_after_the_commit_and_the_new_one_stays(photo, django_capture_on_commit_callbacks):
    old = path_of(photo)
    with django_capture_on_commit_callbacks() as callbacks:
        photo.image = ContentFile(photo_bytes(seed=5), name="new.jpg")
        photo.save()
    assert old.exists()
    assert path_of(photo).exists()
    for callback in callbacks:
        callback()
    assert not old.exists()
    assert path_of(photo).read_bytes() == photo_bytes(seed=5)


def test_replacement_that_is_rolled_back_keeps_the_old_file(photo, django_capture_on_commit_callbacks):
    old = path_of(photo)
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(Broken), transaction.atomic():
        photo.image = ContentFile(photo_bytes(seed=5), name="new.jpg")
        photo.save()
        raise Broken
    assert ProductImage.objects.get().image.path == str(old)
    assert old.exists()


def test_other_changes_of_a_photo_leave_its_file_alone(photo, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        again = ProductImage.objects.get()
        again.position = 3
        again.save()
        again.save(update_fields=["position"])
    assert path_of(photo).exists()


def test_file_that_is_gone_already_does_not_stop_a_deletion(photo, django_capture_on_commit_callbacks):
    path_of(photo).unlink()
    with django_capture_on_commit_callbacks(execute=True):
        photo.delete()
    assert not ProductImage.objects.exists()
