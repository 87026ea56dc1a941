"""Shops, products and photos as rows and files: what is stored, what is refused, who sees what."""

import hashlib
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from catalog.models import Product, ProductImage, Shop, check_upload, short_name
from tests.factories import add_photo, draw, encode, make_shop, make_staff, photo_bytes
from tests.support.odd_files import REFUSED, TURNED_RIGHT, with_exif


def add_file(product: Product, name: str, data: bytes) -> ProductImage:
    photo = ProductImage(product=product, image=ContentFile(data, name=name))
    photo.save()
    return photo


def stored_files() -> list[Path]:
    root = Path(default_storage.location)
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("format", "extension"),
    [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("AVIF", "avif"), ("HEIF", "heic")],
)
def test_photo_is_stored_byte_for_byte_with_its_facts(product, format, extension):
    data = encode(draw(2, size=(80, 60)), format)
    photo = add_file(product, "IMG_1.bin", data)
    photo.refresh_from_db()
    assert photo.image.read() == data
    assert photo.sha256 == hashlib.sha256(data).hexdigest()
    assert (photo.width, photo.height, photo.filename) == (80, 60, "IMG_1.bin")
    assert photo.image.name.endswith(f".{extension}")


def test_turned_jpeg_counts_upright_and_stays_as_it_was_sent(product):
    data = with_exif("JPEG", TURNED_RIGHT, draw(0, size=(96, 64)))
    photo = add_file(product, "turned.jpg", data)
    assert (photo.width, photo.height) == (64, 96)
    assert Path(photo.image.path).read_bytes() == data


def test_png_named_jpg_is_taken_for_what_it_is(product):
    photo = add_file(product, "photo.jpg", encode(draw(0), "PNG"))
    assert photo.filename == "photo.jpg"
    assert photo.image.name.endswith(".png")


@pytest.mark.parametrize("kind", REFUSED)
def test_bad_file_is_refused_by_name_and_leaves_nothing_behind(product, kind):
    data, word = REFUSED[kind]
    with pytest.raises(ValidationError) as refused:
        add_file(product, "IMG 7.jpg", data)
    (sentence,) = refused.value.messages
    assert sentence.startswith("IMG 7.jpg: ")
    assert word in sentence
    assert not ProductImage.objects.exists()
    assert not stored_files()


def test_limits_are_those_of_the_settings(product, settings):
    settings.PHOTO_MAX_MEGABYTES, settings.PHOTO_MAX_MEGAPIXELS = 1, 1
    with pytest.raises(ValidationError, match=r"has 3\.0 MB; at most 1 MB"):
        add_file(product, "a.jpg", photo_bytes() + bytes(3 * 1024 * 1024 - len(photo_bytes())))
    with pytest.raises(ValidationError, match="2 megapixels; at most 1"):
        add_file(product, "a.png", encode(draw(0, size=(1500, 1000)), "PNG"))


def test_same_bytes_twice_on_one_product_are_refused_under_any_name(product):
    add_file(product, "first.jpg", photo_bytes())
    with pytest.raises(ValidationError) as refused:
        add_file(product, "second.jpg", photo_bytes())
    assert refused.value.messages == ["second.jpg: Oat milk already has this photo."]
    assert refused.value.code == "duplicate"
    assert len(stored_files()) == 1


def test_same_bytes_on_another_product_are_allowed_with_a_file_of_their_own(product, shop):
    other = Product.objects.create(shop=shop, sku="SOY", name="Soy milk")
    one, two = add_photo(product), add_photo(other)
    assert one.sha256 == two.sha256
    assert one.image.name != two.image.name


def test_database_refuses_the_same_photo_twice_whoever_writes(product):
    photo = add_photo(product)
    photo.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        ProductImage.objects.bulk_create([photo])


def test_saving_a_photo_again_is_no_duplicate_of_itself(product):
    photo = add_photo(product)
    photo.position = 4
    photo.save()
    photo.full_clean()
    assert ProductImage.objects.get().position == 4


@pytest.mark.parametrize("fields", [None, ["image"]])
def test_replaced_file_brings_its_own_facts(product, fields):
    photo = add_photo(product)
    data = encode(draw(1, size=(50, 40)), "PNG")
    photo.image = ContentFile(data, name="new.png")
    photo.save(update_fields=fields)
    photo.refresh_from_db()
    assert (photo.width, photo.height, photo.filename) == (50, 40, "new.png")
    assert photo.sha256 == hashlib.sha256(photo.image.read()).hexdigest()


@pytest.mark.parametrize(
    "name",
    [
        "Фото 1 – Молоко.jpg",
        "牛奶🥛.jpg",
        "..jpg",
        "-rf *.jpg",
        "'; DROP TABLE catalog_productimage;--.jpg",
        "<script>alert(1)<script>.jpg",
        "no extension",
        "spaces  and\ttabs\nand lines.jpg",
        "e\u0301\u202egpj.exe",
    ],
)
def test_odd_name_is_kept_in_the_row_and_never_becomes_a_path(product, name):
    photo = add_file(product, name, photo_bytes())
    photo.refresh_from_db()
    assert photo.filename == str(photo) == name
    (path,) = stored_files()
    assert path.stem.isalnum()
    assert path.suffix == ".jpg"


@pytest.mark.parametrize("name", ["/etc/passwd.jpg", "..\\..\\passwd.jpg", "C:\\photos\\passwd.jpg"])
def test_folders_in_a_name_are_dropped(product, name):
    assert add_file(product, name, photo_bytes()).filename == "passwd.jpg"


def test_very_long_name_is_kept_by_its_end(product):
    photo = add_file(product, "ж" * 400 + ".jpg", photo_bytes())
    photo.full_clean()
    assert len(photo.filename) == 255
    assert photo.filename.endswith("ж.jpg")
    assert short_name("a" * 300) == "a" * 255


def test_upload_is_decoded_once_however_often_it_is_asked_about():
    class CountedFile(ContentFile):
        reads = 0

        def read(self, *args):
            self.reads += 1
            return super().read(*args)

    file = CountedFile(photo_bytes(), name="a.jpg")
    assert check_upload(file, "a.jpg") == check_upload(file, "a.jpg")
    assert file.reads == 1
    assert file.read() == photo_bytes(), "it is ready to be read from its beginning"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux's /proc")
def test_file_that_the_system_cannot_read_is_refused_by_name():
    with Path("/proc/self/mem").open("rb") as unreadable, pytest.raises(ValidationError) as refused:
        check_upload(File(unreadable, name="mem.jpg"), "mem.jpg")
    assert refused.value.messages == ["mem.jpg: The file cannot be read: Input/output error."]


def test_photos_come_in_their_order(product):
    photos = [add_photo(product, seed=seed) for seed in range(3)]
    ProductImage.objects.filter(pk=photos[2].pk).update(position=0)
    ProductImage.objects.filter(pk=photos[0].pk).update(position=7)
    assert [photo.pk for photo in product.images.all()] == [photos[1].pk, photos[2].pk, photos[0].pk]


def test_sku_is_unique_in_its_shop_and_free_in_others(product, shop, other_shop):
    Product.objects.create(shop=other_shop, sku="OAT", name="Oat milk")
    with pytest.raises(ValidationError, match="already has a product with this SKU"):
        Product(shop=shop, sku="OAT", name="Other").full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        Product.objects.create(shop=shop, sku="OAT", name="Other")


@pytest.mark.django_db
def test_default_shop_is_there_after_migrate_and_is_the_oldest():
    first = Shop.objects.get()
    make_shop("aaa")
    assert Shop.default() == first
    Shop.objects.all().delete()
    assert Shop.default() == Shop.objects.get(slug="default")


def test_staff_see_their_shops_and_superusers_see_all(shop, other_shop):
    users = get_user_model().objects
    boss = users.create_superuser("boss", password="password")
    customer = users.create_user("customer", password="password")
    former = make_staff("former", shop)
    former.is_active = False
    shop.members.add(customer)

    def seen_by(user):
        return set(Shop.objects.visible_to(user))

    assert seen_by(boss) == {shop, other_shop}
    assert seen_by(make_staff("one", shop)) == {shop}
    assert seen_by(make_staff("both", shop, other_shop)) == {shop, other_shop}
    assert seen_by(make_staff("none")) == set()
    assert seen_by(customer) == seen_by(former) == seen_by(AnonymousUser()) == set()
