"""Folders with broken, hostile and unreadable files: an import names them and goes on to its end."""

import ctypes
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from catalog.importing import find_product_folders, import_photos
from catalog.models import Product, ProductImage
from tests.factories import draw, encode, make_shop, photo_bytes
from tests.support import odd_files
from tests.support.odd_files import REFUSED, folder_with
from tests.support.pages.forms import import_all, refusals

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


@contextmanager
def permissions_count():
    """File permissions hold for the superuser too, whose two capabilities to pass over them are put down."""
    libc, header, data = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, data) == 0
    before = data[0]
    data[0] &= ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    assert libc.capset(header, data) == 0
    try:
        yield
    finally:
        data[0] = before
        assert libc.capset(header, data) == 0


def test_links_to_files_are_followed_and_links_to_folders_are_not(shop, source, tmp_path):
    folder_with(source, {"a/1.jpg": photo_bytes()})
    folder_with(tmp_path, {"elsewhere/2.jpg": photo_bytes(1)})
    (source / "a" / "2.jpg").symlink_to(tmp_path / "elsewhere" / "2.jpg")
    (source / "a" / "loop").symlink_to(source)
    (source / "b").symlink_to(tmp_path / "elsewhere")
    report = import_all(shop, source)
    assert (report.products, report.photos, report.refused) == (1, 2, [])


def test_links_that_lead_nowhere_are_named(shop, source):
    folder_with(source, {"a/0.jpg": photo_bytes()})
    (source / "a" / "gone.jpg").symlink_to("nowhere.jpg")
    (source / "a" / "self.jpg").symlink_to("self.jpg")
    assert refusals(import_all(shop, source)) == {
        "a/gone.jpg": "The file cannot be read: No such file or directory.",
        "a/self.jpg": "The file cannot be read: Too many levels of symbolic links.",
    }


@linux_only
def test_what_is_no_file_is_passed_over_and_never_waited_for(shop, source):
    folder_with(source, {"a/0.jpg": photo_bytes(), "a/folder.jpg/x.txt": b""})
    os.mkfifo(source / "a" / "pipe.jpg")
    (source / "a" / "endless.jpg").symlink_to("/dev/zero")
    (source / "a" / "link to a pipe.jpg").symlink_to("pipe.jpg")
    report = import_all(shop, source)
    assert (report.photos, report.refused) == (1, [])


@linux_only
def test_file_that_fails_while_it_is_read_is_named(shop, source):
    folder_with(source, {"a/0.jpg": photo_bytes()})
    (source / "a" / "1.jpg").symlink_to("/proc/self/mem")
    assert refusals(import_all(shop, source)) == {"a/1.jpg": "The file cannot be read: Input/output error."}


@linux_only
def test_files_and_folders_without_permission_are_named(shop, source):
    names = ["a/denied.jpg", "a/ok.jpg", "listed only/1.jpg", "not listed/1.jpg"]
    folder_with(source, {name: photo_bytes(seed=seed) for seed, name in enumerate(names)})
    (source / "a" / "denied.jpg").chmod(0)
    (source / "listed only").chmod(0o400)
    (source / "not listed").chmod(0o100)
    with permissions_count():
        report = import_all(shop, source)
    (source / "listed only").chmod(0o700)
    (source / "not listed").chmod(0o700)
    assert refusals(report) == dict.fromkeys(
        ["a/denied.jpg", "listed only/1.jpg", "not listed"], "The file cannot be read: Permission denied."
    )
    assert [photo.filename for photo in ProductImage.objects.all()] == ["ok.jpg"]


def test_file_that_vanishes_before_its_turn_is_named(shop, source):
    folders = find_product_folders(folder_with(source, {"a/1.jpg": photo_bytes(), "a/2.jpg": photo_bytes(1)}))
    (source / "a" / "1.jpg").unlink()
    report = import_photos(shop, source, folders)
    assert refusals(report).keys() == {"a/1.jpg"}
    assert report.photos == 1


@linux_only
def test_names_that_are_no_utf8_are_imported_and_readable(shop, source):
    files = {
        b"caf\xe9/gr\xfcn.jpg": photo_bytes(),
        b"caf\xe9/bl\xe5.jpg": b"",
        b"caf\xe8/x.jpg": photo_bytes(),
    }
    report = import_all(shop, folder_with(source, files))
    assert {product.sku for product in Product.objects.all()} == {"caf%E9", "caf%E8"}
    assert ProductImage.objects.get(product__sku="caf%E9").filename == "gr%FCn.jpg"
    assert refusals(report).keys() == {"caf%E9/bl%E5.jpg"}
    assert not report.refused[0]["reason"].startswith("bl")
    assert import_all(shop, source).duplicates == 2


def test_import_that_cannot_store_stops_and_keeps_what_it_had(transactional_db, source):
    shop, root = make_shop("real"), Path(default_storage.location)
    folder_with(source, {f"a/{i}.jpg": photo_bytes(0, i) for i in range(3)})

    def fill_the_disk():
        shutil.rmtree(root, ignore_errors=True)
        root.write_bytes(b"")

    with pytest.raises(OSError, match=r"exists|directory"):
        import_photos(shop, source, find_product_folders(source), fill_the_disk)
    assert shop.products.get().images.count() == 1


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_folder_of_1000_files_of_which_half_are_bad_is_imported_to_its_end(shop, source):
    bad, odd = list(REFUSED.values()), []
    odd += [odd_files.with_exif("JPEG", exif) for exif in odd_files.BAD_EXIF.values()]
    odd += [
        encode(draw(4).convert("CMYK")),
        odd_files.animation("WEBP", "red", "lime"),
        odd_files.grey16(999),
    ]
    expected, good = {}, set()
    for number in range(500):
        data, word = bad[number % len(bad)]
        expected[f"hostile/{number:03} bad ☠.jpg"] = word
        folder_with(source, {f"hostile/{number:03} bad ☠.jpg": data + bytes([number % 251]) * bool(data)})
        photo = odd[number] if number < len(odd) else photo_bytes(number, number)
        good.add(f"{number:03} good.jpg")
        folder_with(source, {f"hostile/{number:03} good.jpg": photo})
    calls = []
    report = import_photos(shop, source, find_product_folders(source), lambda: calls.append(1))
    assert len(calls) == 1000
    assert (report.products, report.photos, report.duplicates) == (1, 500, 0)
    assert {photo.filename for photo in ProductImage.objects.all()} == good
    assert refusals(report).keys() == expected.keys()
    assert not [(file, why) for file, why in refusals(report).items() if expected[file] not in why]
