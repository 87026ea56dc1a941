"""Thumbnails are made once, and go with their photos."""

import pytest

from catalog.photos import thumbnails
from catalog.photos.thumbnails import drop_unused_thumbnails, thumbnail_bytes
from tests.factories import add_photo, make_shop


@pytest.fixture(autouse=True)
def own_cache(settings, tmp_path):
    settings.CACHE_DIR = tmp_path


def kept(settings) -> list[str]:
    return sorted(path.stem for path in (settings.CACHE_DIR / thumbnails.FOLDER).rglob("*.*"))


@pytest.mark.django_db
def test_second_look_decodes_nothing(product, settings, monkeypatch):
    photo = add_photo(product)
    first = thumbnail_bytes(photo)
    monkeypatch.setattr(thumbnails, "open_upright", None)
    assert thumbnail_bytes(photo) == first
    assert kept(settings) == [photo.sha256]


@pytest.mark.django_db
def test_full_disk_does_not_keep_a_thumbnail_from_being_shown(product, settings, tmp_path):
    settings.CACHE_DIR = tmp_path / "a-file"
    settings.CACHE_DIR.write_text("")
    assert thumbnail_bytes(add_photo(product)).startswith(b"\xff\xd8")


def test_thumbnail_goes_with_the_last_photo_of_its_hash(transactional_db, settings):
    here, there = (make_shop(slug, 1).products.get() for slug in ("here", "there"))
    photo, copy = add_photo(here, 1), add_photo(there, 1)
    thumbnail_bytes(photo)
    photo.delete()
    assert kept(settings) == [copy.sha256]
    copy.delete()
    assert kept(settings) == []


@pytest.mark.django_db
def test_unused_ones_are_found_and_nothing_else_is_touched(product, settings):
    photo = add_photo(product)
    thumbnail_bytes(photo)
    left_over = settings.CACHE_DIR / thumbnails.FOLDER / "ab" / ("ab" * 32 + ".jpg")
    left_over.parent.mkdir()
    left_over.write_bytes(b"x")
    (left_over.parent / "notes.txt").write_text("not ours")
    assert drop_unused_thumbnails() == 1
    assert kept(settings) == sorted([photo.sha256, "notes"])
