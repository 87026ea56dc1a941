"""Bad weather under a real server: folders that are gone or no folders, and a database that others hold."""

import shutil
import threading
import time
from pathlib import Path

import pytest
from django.db import connection, transaction

from catalog.models import Product, ProductImage
from tests.factories import add_photo, photo_bytes
from tests.support.pages.forms import form_fields, page_of
from tests.support.running.victim import usual_seconds
from tests.support.running.visitors import Browser

LARGE = b"\0" * 3_000_000  # behind a photo: it is written to the disk while it comes in


@pytest.fixture
def editor(victim) -> Browser:
    return Browser(victim.url, cookie=victim.cookie)


@pytest.fixture
def product(victim) -> Product:
    product = Product.objects.create(shop=victim.shop, sku="A", name="A")
    add_photo(product)
    return product


def no_folder(path: Path) -> None:
    """Put a file where a folder should be: not even root writes there."""
    shutil.move(path, path.with_suffix(".away"))
    path.write_text("no folder")


def back_again(path: Path) -> None:
    path.unlink()
    shutil.move(path.with_suffix(".away"), path)


@pytest.mark.parametrize("name", ["photos", "uploads"])
def test_a_folder_that_is_none_is_told_and_nothing_half_done_stays(victim, editor, product, name):
    folder = Path(victim.process.environment["DATA_DIR"]) / name
    form = form_fields(editor.get(page_of(product)))
    new = {"new_photos": ("new.jpg", photo_bytes(0, 7) + LARGE, "image/jpeg")}
    no_folder(folder)
    try:
        answer = editor.post(page_of(product), data=form | {"name": "Typed"}, files=new)
        assert answer.status_code in {200, 302, 503}
        told = answer.text if answer.status_code == 503 else editor.get("/admin/").text
        assert "could not be stored" in told or "nothing was saved" in told
        assert ProductImage.objects.count() == 1
        assert editor.get("/admin/catalog/product/").status_code == 200
    finally:
        back_again(folder)
    assert (
        editor.post(page_of(product), data=form_fields(editor.get(page_of(product))), files=new).status_code
        == 302
    )
    assert ProductImage.objects.count() == 2


def test_a_database_that_others_hold_keeps_nobody_from_reading_and_loses_nothing(victim, editor, product):
    form, answers = form_fields(editor.get(page_of(product))), []
    alone = usual_seconds(lambda: victim.ask("{ products { totalCount } }"))

    def save():
        answers.append(editor.post(page_of(product), data=form | {"name": "Typed"}))

    saver = threading.Thread(target=save)
    with transaction.atomic():
        Product.objects.filter(pk=product.pk).update(barcode="1")
        saver.start()
        time.sleep(0.5)
        held = usual_seconds(lambda: victim.ask("{ products { totalCount } }"))
        assert not answers, "it waits"
    saver.join()
    connection.close()
    victim.note("reading while the database is held, times as long", held / alone, "")
    assert held < max(30 * alone, 2.0)
    assert answers[0].status_code == 302
    product.refresh_from_db()
    assert (product.name, product.barcode) == ("Typed", "1")
    victim.answers()
