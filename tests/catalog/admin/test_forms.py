"""Photos through the product form: many at once, bad ones among good ones, order and removal."""

from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.db import connection
from django.urls import reverse

from catalog.models import Product, ProductImage
from tests.factories import add_photo, draw, encode, make_shop, make_staff, photo_bytes
from tests.support.odd_files import REFUSED, TURNED_RIGHT, with_exif
from tests.support.pages.forms import form_fields, page_of, said, submit

ADD = reverse("admin:catalog_product_add")


def stored_files() -> list[Path]:
    return [path for path in Path(default_storage.location).rglob("*") if path.is_file()]


def test_new_product_with_several_photos_is_added_in_one_form(staff_client, shop):
    files = [(f"IMG_{n}.jpg", photo_bytes(0, n)) for n in range(4)]
    files.append(("IMG_4.heic", with_exif("HEIF", TURNED_RIGHT)))
    response = submit(staff_client, ADD, files, name="Oat milk", sku="OAT", barcode="400", price="1.50")
    assert response.status_code == 302
    assert "5 photos added. The recogniser is learning." in said(response)
    product = Product.objects.get()
    assert (product.shop, product.name, product.barcode, str(product.price)) == (
        shop,
        "Oat milk",
        "400",
        "1.50",
    )
    photos = list(product.images.all())
    assert [(photo.filename, photo.image.read()) for photo in photos] == files
    assert [photo.position for photo in photos] == [0, 1, 2, 3, 4]


def test_product_is_added_and_saved_without_photos(staff_client, product):
    assert submit(staff_client, ADD, name="Tea", sku="TEA").status_code == 302
    assert submit(staff_client, page_of(product), name="Oat drink").status_code == 302
    assert {item.name for item in Product.objects.all()} == {"Tea", "Oat drink"}
    assert not ProductImage.objects.exists()


def test_more_photos_come_after_those_that_are_there(staff_client, product):
    add_photo(product, 1)
    submit(staff_client, page_of(product), [("a.jpg", photo_bytes(2)), ("b.jpg", photo_bytes(3))])
    response = submit(staff_client, page_of(product), [("c.jpg", photo_bytes(4))])
    assert "1 photo added. The recogniser is learning." in said(response)
    names = [photo.filename for photo in product.images.all()]
    assert names == ["photo-1-0.jpg", "a.jpg", "b.jpg", "c.jpg"]


@pytest.mark.parametrize("kind", REFUSED)
def test_bad_photo_among_good_ones_is_named_and_nothing_typed_is_lost(staff_client, db, kind):
    data, word = REFUSED[kind]
    files = [("good 1.jpg", photo_bytes(0)), ("bad <b> ☠.jpg", data), ("good 2.jpg", photo_bytes(1))]
    typed = {"name": "Oat milk", "sku": "OAT-7", "barcode": "4006381333931", "price": "1.25"}
    response = submit(staff_client, ADD, files, **typed)
    assert response.status_code == 200
    errors = response.context["adminform"].form.errors
    assert errors.keys() == {"new_photos"}
    first, second = errors["new_photos"]
    assert first.startswith("bad <b> ☠.jpg: ")
    assert word in first
    assert second == "Nothing was added. Choose the other 2 again without these."
    assert "bad &lt;b&gt; ☠.jpg" in response.content.decode()
    assert typed.items() <= form_fields(response).items()
    assert not Product.objects.exists()
    assert not stored_files()


def test_every_bad_photo_is_named(staff_client, product):
    files = [("1.jpg", b""), ("2.jpg", b"text"), ("3.png", REFUSED["PNG of 3,600 megapixels"][0])]
    response = submit(staff_client, page_of(product), files, name="Typed")
    errors = response.context["adminform"].form.errors["new_photos"]
    assert [error.partition(":")[0] for error in errors] == ["1.jpg", "2.jpg", "3.png"]
    assert form_fields(response)["name"] == "Typed"


def test_photo_over_20_megabytes_is_named_with_its_size(staff_client, product):
    data = photo_bytes() + bytes(22 * 1024 * 1024 - len(photo_bytes()))
    response = submit(staff_client, page_of(product), [("huge.jpg", data)])
    (error,) = response.context["adminform"].form.errors["new_photos"]
    assert error.startswith("huge.jpg: The file has 22.0 MB; at most 20 MB are taken.")


def test_bad_photo_keeps_the_order_and_the_marks_made_in_the_same_form(staff_client, product):
    for seed in range(2):
        add_photo(product, seed=seed)
    changes = {"images-0-position": "8", "images-1-DELETE": "on"}
    fields = form_fields(submit(staff_client, page_of(product), [("x.jpg", b"x")], **changes))
    assert changes.items() <= fields.items()
    assert product.images.count() == 2


def test_photos_that_are_there_already_are_named_and_the_others_added(staff_client, product):
    add_photo(product, 1)
    files = [("again.jpg", photo_bytes(1)), ("new.jpg", photo_bytes(2)), ("twice.jpg", photo_bytes(2))]
    response = submit(staff_client, page_of(product), files, price="2.00")
    assert said(response)[:3] == [
        "again.jpg: Oat milk already has this photo.",
        "twice.jpg: Oat milk already has this photo.",
        "1 photo added. The recogniser is learning.",
    ]
    assert [photo.filename for photo in product.images.all()] == ["photo-1-0.jpg", "new.jpg"]
    product.refresh_from_db()
    assert str(product.price) == "2.00"


@pytest.mark.parametrize(
    "name", ["牛奶 🥛.jpg", "a" * 240 + ".jpg", "<script>alert(1)</script>.jpg", "no-suffix"]
)
def test_odd_name_is_kept_and_shown_as_text(staff_client, product, name):
    submit(staff_client, page_of(product), [(name, photo_bytes())])
    assert ProductImage.objects.get().filename == name.rpartition("/")[2]
    assert "<script>alert" not in staff_client.get(page_of(product)).content.decode()


def test_png_named_jpg_is_taken_by_its_content(staff_client, product):
    submit(staff_client, page_of(product), [("photo.jpg", encode(draw(0), "PNG"))])
    assert ProductImage.objects.get().image.name.endswith(".png")


def test_photos_are_put_in_another_order(staff_client, product):
    first, second, third = (add_photo(product, seed=seed) for seed in range(3))
    places = {"images-0-position": "2", "images-1-position": "0", "images-2-position": "1"}
    assert submit(staff_client, page_of(product), **places).status_code == 302
    assert list(product.images.all()) == [second, third, first]


def test_deleted_photo_goes_with_its_file_and_the_others_stay(
    staff_client, product, django_capture_on_commit_callbacks
):
    gone, kept = add_photo(product, 0), add_photo(product, 1)
    fields = form_fields(staff_client.get(page_of(product))) | {"images-0-DELETE": "on"}
    with django_capture_on_commit_callbacks() as callbacks:
        assert staff_client.post(page_of(product), fields).status_code == 302
    assert list(product.images.all()) == [kept]
    assert Path(gone.image.path).exists(), "the deletion may still be rolled back"
    for callback in callbacks:
        callback()
    assert not Path(gone.image.path).exists()
    assert Path(kept.image.path).exists()


def test_photo_is_deleted_and_added_again_in_one_form(staff_client, product):
    add_photo(product, 0)
    submit(staff_client, page_of(product), [("again.jpg", photo_bytes(0))], **{"images-0-DELETE": "on"})
    assert [photo.filename for photo in product.images.all()] == ["again.jpg"]


def test_place_that_is_no_number_is_an_error_beside_it(staff_client, product):
    add_photo(product)
    response = submit(staff_client, page_of(product), **{"images-0-position": "first"})
    assert response.status_code == 200
    assert "Enter a whole number." in response.content.decode()


def test_forged_rows_of_the_form_make_no_photos(staff_client, product):
    forged = {"images-TOTAL_FORMS": "1", "images-0-position": "3", "images-0-product": str(product.pk)}
    submit(staff_client, page_of(product), **forged)
    assert not ProductImage.objects.exists()


def test_photo_of_another_product_is_not_reached_through_this_form(staff_client, product, other_shop):
    mine = add_photo(product, 0)
    theirs = add_photo(Product.objects.create(shop=other_shop, sku="X", name="X"), 1)
    submit(staff_client, page_of(product), **{"images-0-id": str(theirs.pk), "images-0-DELETE": "on"})
    assert set(ProductImage.objects.all()) == {mine, theirs}


def test_history_says_what_was_changed_and_no_more(staff_client, product):
    submit(staff_client, page_of(product), price="3.00")
    assert LogEntry.objects.latest("pk").get_change_message() == "Changed Price."
    submit(staff_client, page_of(product), [("a.jpg", photo_bytes())])
    assert LogEntry.objects.latest("pk").get_change_message() == "Changed Add photos."


def test_photos_are_added_by_those_with_the_permission_only(client, product, shop):
    user = make_staff("clerk", shop, permissions=False)
    codenames = ["view_product", "change_product", "view_productimage"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    assert "new_photos" not in client.get(page_of(product)).content.decode()
    response = submit(client, page_of(product), [("a.jpg", photo_bytes())], name="Renamed")
    assert response.status_code == 403
    assert "nothing was saved" in response.text
    assert "<dd>Renamed</dd>" in response.text
    assert submit(client, page_of(product), name="Renamed").status_code == 302
    assert Product.objects.get().name == "Renamed"
    assert not ProductImage.objects.exists()


def test_file_input_takes_several_photos_and_knows_how_many(staff_client, product, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 77
    field = staff_client.get(page_of(product)).context["adminform"].form["new_photos"].as_widget()
    assert " multiple" in field
    assert "image/heic" in field
    assert 'data-most="77"' in field


class WatchedFile(InMemoryUploadedFile):
    """Notes at every reading whether a transaction was open."""

    readings: list[bool] = []

    def read(self, *args):
        self.readings.append(connection.in_atomic_block)
        return self.file.read(*args)


class WatchedUploads(MemoryFileUploadHandler):
    def file_complete(self, file_size):
        file = super().file_complete(file_size)
        file.__class__ = WatchedFile
        return file


def test_photos_are_decoded_once_and_before_the_transaction(transactional_db, client, settings):
    settings.FILE_UPLOAD_HANDLERS = [f"{__name__}.WatchedUploads"]
    WatchedFile.readings.clear()
    shop = make_shop("real")
    product = Product.objects.create(shop=shop, sku="A", name="A")
    client.force_login(make_staff("clerk", shop))
    submit(client, page_of(product), [("a.jpg", photo_bytes())])
    assert ProductImage.objects.get().image.read() == photo_bytes()
    assert WatchedFile.readings == [False, True], "read to be checked, then to be stored"


def test_product_with_more_than_a_thousand_photos_can_be_saved(staff_client, shop):
    product = Product.objects.create(shop=shop, sku="MANY", name="Many")
    rows = [
        ProductImage(
            product=product, image=f"{i}.jpg", filename=f"{i}.jpg", sha256=f"{i:064}", width=9, height=9
        )
        for i in range(1005)
    ]
    ProductImage.objects.bulk_create(rows)
    photos = list(product.images.values_list("pk", flat=True))
    data = {"name": "Many more", "sku": "MANY", "unit": "piece", "is_active": "on"}
    data |= {"images-TOTAL_FORMS": 1005, "images-INITIAL_FORMS": 1005}
    for number, pk in enumerate(photos):
        data |= {f"images-{number}-id": pk, f"images-{number}-product": product.pk}
        data |= {f"images-{number}-position": number}
    response = staff_client.post(f"/admin/catalog/product/{product.pk}/change/", data)
    product.refresh_from_db()
    assert response.status_code == 302
    assert product.name == "Many more"
    assert product.images.count() == 1005
