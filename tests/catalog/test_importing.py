"""Folders of photos: what becomes a product, which photos it gets, and how an import is repeated."""

from pathlib import Path

from django.db import connection

from catalog.importing import find_product_folders, import_photos
from catalog.models import Product, ProductImage
from tests.factories import draw, encode, make_shop, photo_bytes
from tests.support.odd_files import folder_with
from tests.support.pages.forms import import_all, refusals


def test_every_folder_that_directly_holds_photos_is_a_product(shop, source):
    folder_with(
        source,
        {
            "dairy/oat-milk_1L/1.jpg": photo_bytes(0, 1),
            "dairy/oat-milk_1L/2.JPG": photo_bytes(0, 2),
            "dairy/cold/SOY/a.png": encode(draw(1), "PNG"),
            "dairy/cold/list.txt": b"no photo",
            "tea/green.webp": encode(draw(2), "WEBP"),
            "tea/best/green.heic": encode(draw(3), "HEIF"),
        },
    )
    report = import_all(shop, source)
    products = {product.sku: product for product in Product.objects.all()}
    assert {sku: product.images.count() for sku, product in products.items()} == {
        "oat-milk_1L": 2,
        "SOY": 1,
        "tea": 1,
        "best": 1,
    }
    assert products["oat-milk_1L"].name == "oat milk 1L"
    assert (report.products, report.photos, report.duplicates, report.refused) == (4, 5, 0, [])


def test_photos_that_lie_in_the_folder_itself_are_a_product_of_its_name(shop, source, monkeypatch):
    folder_with(source, {"oat/1.jpg": photo_bytes(), "oat/2.jpg": b""})
    monkeypatch.chdir(source / "oat")
    report = import_all(shop, Path())
    assert Product.objects.get().sku == "oat"
    assert (report.photos, refusals(report).keys()) == (1, {"2.jpg"})


def test_folder_may_be_given_relative_to_where_one_is(shop, source, monkeypatch):
    folder_with(source, {"a/oat/1.jpg": photo_bytes(), "b/tea/1.jpg": b""})
    monkeypatch.chdir(source / "a")
    assert find_product_folders(Path("../b")) == {Path("../b/tea"): [Path("../b/tea/1.jpg")]}
    assert refusals(import_all(shop, Path(".."))).keys() == {"b/tea/1.jpg"}
    assert Product.objects.get().sku == "oat"


def test_second_import_adds_nothing(shop, source):
    folder_with(source, {"a/1.jpg": photo_bytes(0), "b/1.jpg": photo_bytes(1)})
    import_all(shop, source)
    report = import_all(shop, source)
    assert (report.products, report.photos, report.duplicates, report.refused) == (0, 0, 2, [])
    assert ProductImage.objects.count() == 2


def test_import_adds_new_photos_to_a_product_that_is_there(shop, source):
    folder_with(source, {"a/1.jpg": photo_bytes(0)})
    import_all(shop, source)
    Product.objects.update(name="Named by hand")
    folder_with(source, {"a/2.jpg": photo_bytes(1)})
    report = import_all(shop, source)
    assert (report.products, report.photos, report.duplicates) == (0, 1, 1)
    assert Product.objects.get().name == "Named by hand"


def test_folders_of_one_name_are_one_product(shop, source):
    folder_with(source, {"x/a/1.jpg": photo_bytes(0), "y/a/1.jpg": photo_bytes(1)})
    assert import_all(shop, source).products == 1
    assert Product.objects.get().images.count() == 2


def test_same_sku_of_another_shop_is_left_alone(shop, other_shop, source):
    theirs = Product.objects.create(shop=other_shop, sku="a", name="Theirs")
    import_all(shop, folder_with(source, {"a/1.jpg": photo_bytes()}))
    assert theirs.images.count() == 0
    assert shop.products.get().images.count() == 1


def test_photo_twice_in_a_folder_is_counted_and_in_two_folders_kept(shop, source):
    same = photo_bytes()
    report = import_all(shop, folder_with(source, {"a/1.jpg": same, "a/2.jpg": same, "b/1.jpg": same}))
    assert (report.photos, report.duplicates, report.refused) == (2, 1, [])


def test_photos_keep_the_order_of_their_names(shop, source):
    folder_with(source, {f"a/{place}.jpg": photo_bytes(0, place) for place in range(5)})
    import_all(shop, source)
    names = [photo.filename for photo in Product.objects.get().images.all()]
    assert names == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "4.jpg"]


def test_folder_without_a_good_photo_makes_no_product(shop, source):
    report = import_all(
        shop, folder_with(source, {"a/1.jpg": b"", "a/2.jpg": b"text", "b/1.png": photo_bytes()})
    )
    assert [product.sku for product in Product.objects.all()] == ["b"]
    assert refusals(report).keys() == {"a/1.jpg", "a/2.jpg"}


def test_hidden_files_and_folders_are_passed_over(shop, source):
    hidden = {".thumb.jpg", "a/._1.jpg", ".git/1.jpg", "a/.cache/deep/1.jpg"}
    folder_with(source, {name: photo_bytes(1) for name in hidden} | {"a/1.jpg": photo_bytes()})
    assert find_product_folders(source) == {source / "a": [source / "a" / "1.jpg"]}


def test_hidden_folder_is_imported_when_it_is_the_one_that_was_asked_for(shop, source):
    folder_with(source, {".photos/a/1.jpg": photo_bytes()})
    assert import_all(shop, source / ".photos").photos == 1


def test_odd_names_are_imported_and_readable(shop, source):
    names = ["牛奶/🥛 1.jpg", "Müsli/b\u202ea.jpg", "new\nline/tab\t.jpg", "'; --/<b>.jpg", "$(rm -rf)/*.jpg"]
    names.append(f"{'s' * 100}/{'n' * 251}.jpg")
    folder_with(source, {name: photo_bytes(seed=seed) for seed, name in enumerate(names)})
    report = import_all(shop, source)
    assert (report.photos, report.refused) == (len(names), [])
    stored = {f"{photo.product.sku}/{photo.filename}" for photo in ProductImage.objects.all()}
    assert stored == set(names)


def test_folder_whose_name_is_too_long_for_a_sku_is_named_and_not_cut(shop, source):
    folder_with(source, {f"{'x' * 100}{end}/1.jpg": photo_bytes(seed=end) for end in (1, 2)})
    report = import_all(shop, source)
    assert not Product.objects.exists()
    assert all("100 characters. Rename the folder" in reason for reason in refusals(report).values())
    assert len(report.refused) == 2


def test_nothing_is_locked_between_photos(transactional_db, source):
    folders = find_product_folders(folder_with(source, {f"a/{i}.jpg": photo_bytes(0, i) for i in range(3)}))
    locked = []
    import_photos(make_shop("real"), source, folders, lambda: locked.append(connection.in_atomic_block))
    assert locked == [False] * 3
