"""The catalogue's commands as a shell runs them: what they say, their JSON, and how they end."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog.models import Product, ProductImage
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
    assert "cut off" in reasons["tea/broken.jpg"]
    assert "another kind" in reasons["text/a.png"]


def test_import_photos_in_a_shell_keeps_json_alone_on_standard_output(photos, tmp_path):
    data = folder_with(tmp_path, {"data/empty": b""}) / "data"
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment |= {"DATA_DIR": str(data), "DJANGO_SETTINGS_MODULE": "config.settings"}

    def manage(*arguments):
        command = [sys.executable, "manage.py", *map(str, arguments)]
        return subprocess.run(
            command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
        )

    assert manage("migrate", "--verbosity", "0").returncode == 0
    done = manage("import_photos", photos, "--json")
    assert (done.returncode, done.stdout.count("\n"), done.stdout[0]) == (0, 1, "{")
    assert json.loads(done.stdout)["photos"] == 3
    assert "Refused tea/broken.jpg" in done.stderr


def test_import_photos_says_it_in_words_and_names_the_refused(shop, photos):
    out, err = run("import_photos", photos)
    assert out.startswith("2 products and 3 photos added, 1 were there already, 2 refused, in ")
    assert "Refused tea/broken.jpg: The file is damaged" in err
    assert "Refused text/a.png: " in err


def test_import_photos_twice_adds_nothing(shop, photos):
    run("import_photos", photos)
    report = run_json("import_photos", photos)
    assert (report["products"], report["photos"], report["duplicates"]) == (0, 0, 4)
    assert ProductImage.objects.count() == 3


def test_import_photos_goes_into_the_shop_that_is_named(shop, other_shop, photos):
    run("import_photos", photos, "--shop", "other")
    assert (shop.products.count(), other_shop.products.count()) == (0, 2)


def test_shop_that_does_not_exist_is_an_error_that_names_the_shops(shop, other_shop, source):
    with pytest.raises(CommandError, match=r"There is no shop 'nowhere'\. The shops are: default, other"):
        run("import_photos", source, "--shop", "nowhere")


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
