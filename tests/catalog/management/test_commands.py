"""The catalogue's commands as a shell runs them: what they say, their JSON, and how they end."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog.demo.products import DEMO_PRODUCTS
from catalog.models import Product, ProductImage, Shop
from tests.factories import photo_bytes
from tests.support.odd_files import REFUSED, folder_with


def run(*arguments) -> tuple[str, str]:
    """Standard output and standard error of a command that does its job."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def run_json(*arguments) -> dict:
    """The one JSON object on standard output."""
    return json.loads(run(*arguments, "--json")[0])


@pytest.fixture
def photos(source) -> Path:
    """Two products with three photos, one of them twice, and two bad files."""
    return folder_with(
        source,
        {
            "oat-milk/1.jpg": photo_bytes(0, 1),
            "oat-milk/2.jpg": photo_bytes(0, 2),
            "oat-milk/2 again.jpg": photo_bytes(0, 2),
            "tea/牛奶.jpg": photo_bytes(1),
            "tea/broken.jpg": REFUSED["JPEG without its end"][0],
            "text/a.png": b"text",
        },
    )


def test_import_photos_prints_one_json_object_and_nothing_else(shop, photos):
    report = run_json("import_photos", photos)
    assert report.pop("seconds") > 0
    reasons = {item.pop("file"): item.pop("reason") for item in report["refused"]}
    assert report == {"products": 2, "photos": 3, "duplicates": 1, "refused": [{}, {}]}
    assert reasons.keys() == {"tea/broken.jpg", "text/a.png"}
    assert "cut off" in reasons["tea/broken.jpg"] and "another kind" in reasons["text/a.png"]


def test_import_photos_in_a_shell_keeps_json_alone_on_standard_output(photos, tmp_path):
    data = folder_with(tmp_path, {"data/empty": b""}) / "data"
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment |= {"DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "config.settings"}

    def manage(*arguments):
        command = [sys.executable, "manage.py", *map(str, arguments)]
        return subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True)

    assert manage("migrate", "--verbosity", "0").returncode == 0
    done = manage("import_photos", photos, "--json")
    assert (done.returncode, done.stdout.count("\n"), done.stdout[0]) == (0, 1, "{")
    assert json.loads(done.stdout)["photos"] == 3
    assert "Refused tea/broken.jpg" in done.stderr


def test_import_photos_says_it_in_words_and_names_the_refused(shop, photos):
    out, err = run("import_photos", photos)
    assert out.startswith("2 products and 3 photos added, 1 were there already, 2 refused, in ")
    assert "Refused tea/broken.jpg: The file is damaged" in err and "Refused text/a.png: " in err


def test_import_photos_twice_adds_nothing(shop, photos):
    run("import_photos", photos)
    report = run_json("import_photos", photos)
    assert (report["products"], report["photos"], report["duplicates"]) == (0, 0, 4)
    assert ProductImage.objects.count() == 3


def test_import_photos_goes_into_the_shop_that_is_named(shop, other_shop, photos):
    run("import_photos", photos, "--shop", "other")
    assert (shop.products.count(), other_shop.products.count()) == (0, 2)


@pytest.mark.parametrize("command", ["import_photos", "demo_catalogue"])
def test_shop_that_does_not_exist_is_an_error_that_names_the_shops(shop, other_shop, source, command):
    arguments = [source] if command == "import_photos" else []
    with pytest.raises(CommandError, match=r"There is no shop 'nowhere'\. The shops are: default, other"):
        run(command, *arguments, "--shop", "nowhere")


def test_import_photos_of_no_folder_or_an_empty_one_is_an_error(shop, source):
    with pytest.raises(CommandError, match="is not a folder"):
        run("import_photos", source / "nowhere")
    folder_with(source, {"a/list.txt": b"", ".hidden/a.jpg": photo_bytes()})
    with pytest.raises(CommandError, match="No image files in"):
        run("import_photos", source)


def test_import_photos_that_cannot_store_is_an_error_and_no_refusal(shop, photos):
    Path(default_storage.location).write_bytes(b"")  # a file where the folder of the photos should be
    with pytest.raises(CommandError, match="a photo could not be stored"):
        run("import_photos", photos, "--json")
    assert not Product.objects.exists()


def test_demo_catalogue_fills_an_empty_shop_with_drawn_products(shop, other_shop):
    report = run_json("demo_catalogue", "--photos", 1, "--shop", "other")
    assert report == {"products": len(DEMO_PRODUCTS), "photos": len(DEMO_PRODUCTS)}
    assert not shop.products.exists()
    stored = {(item.sku, item.name, item.barcode, item.price) for item in other_shop.products.all()}
    assert stored == {(item.sku, item.name, item.barcode, item.price) for item in DEMO_PRODUCTS}
    photo = ProductImage.objects.get(product__sku="MILK-WHOLE")
    assert (photo.filename, photo.width, photo.height) == ("MILK-WHOLE-01.jpg", 640, 640)
    assert Path(photo.image.path).exists()


def test_demo_catalogue_leaves_a_shop_with_products_alone(shop, product):
    with pytest.raises(CommandError, match="has products already"):
        run("demo_catalogue")
    assert Product.objects.get() == product


@pytest.mark.parametrize("count", ["0", "-3"])
def test_demo_catalogue_of_no_photos_is_an_error(shop, count):
    with pytest.raises(CommandError, match="must be 1 or more"):
        run("demo_catalogue", f"--photos={count}")
    assert not Product.objects.exists()


def test_demo_setup_needs_a_password(db, monkeypatch):
    monkeypatch.delenv("DEMO_PASSWORD", raising=False)
    with pytest.raises(CommandError, match="Set DEMO_PASSWORD"):
        run("demo_setup")
    assert not get_user_model().objects.exists()


def test_demo_setup_makes_a_login_and_leaves_a_shop_with_products_alone(product, monkeypatch):
    monkeypatch.setenv("DEMO_PASSWORD", "first password")
    assert run("demo_setup") == ("", "")
    user = authenticate(username="demo", password="first password")
    assert user.is_staff and user.is_superuser
    monkeypatch.setenv("DEMO_PASSWORD", "second password")
    run("demo_setup")
    assert authenticate(username="demo", password="first password") is None
    assert authenticate(username="demo", password="second password") == user
    assert Product.objects.get() == product


def test_demo_setup_draws_no_second_catalogue_for_those_who_deleted_the_first(shop, monkeypatch):
    monkeypatch.setenv("DEMO_PASSWORD", "password")
    get_user_model().objects.create_superuser("demo")
    run("demo_setup")
    assert not Product.objects.exists()


def interrupt(*_):
    raise KeyboardInterrupt


def test_demo_setup_that_was_broken_off_makes_up_for_it_the_next_time(transactional_db, monkeypatch):
    monkeypatch.setenv("DEMO_PASSWORD", "password")
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            run("demo_setup")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not Product.objects.exists()
    out, _ = run("demo_setup")
    assert "First run" in out and "16 products with 10 photos each." in out
    assert Shop.default().products.count() >= 12
    assert {product.images.count() for product in Product.objects.all()} == {10}
    assert authenticate(username="demo", password="password")
