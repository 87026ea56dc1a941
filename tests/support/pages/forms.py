"""What several tests of the catalogue share."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from catalog.importing import ImportReport, find_product_folders, import_photos
from catalog.models import Product, Shop


@pytest.fixture
def product(shop) -> Product:
    return Product.objects.create(shop=shop, sku="OAT", name="Oat milk")


@pytest.fixture
def source(tmp_path) -> Path:
    """An empty folder to import from."""
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


def import_all(shop: Shop, root: Path) -> ImportReport:
    return import_photos(shop, root, find_product_folders(root))


def refusals(report: ImportReport) -> dict[str, str]:
    return {item["file"]: item["reason"] for item in report.refused}


class FormReader(HTMLParser):
    """Collects what a browser would send if the form were submitted as it stands."""

    def __init__(self, form_id: str):
        super().__init__()
        self.form_id, self.fields, self.select, self.inside = form_id, {}, None, False

    def handle_starttag(self, tag, attrs):
        item = dict(attrs)
        if tag == "form":
            self.inside = item.get("id") == self.form_id
        elif tag == "select":
            self.select = item.get("name")
        elif self.inside and tag == "option" and "selected" in item:
            self.fields[self.select] = item["value"]
        elif self.inside and tag == "input" and item.get("type") not in {"submit", "file"}:
            if item.get("type") != "checkbox":
                self.fields[item["name"]] = item.get("value", "")
            elif "checked" in item:
                self.fields[item["name"]] = "on"


def form_fields(response, form_id: str = "product_form") -> dict[str, str]:
    """The fields of a page's form, with the values that the page gave them."""
    reader = FormReader(form_id)
    reader.feed(response.content.decode())
    assert reader.fields, f"The page has no form {form_id}."
    return reader.fields


def page_of(product: Product) -> str:
    return reverse("admin:catalog_product_change", args=[product.pk])


def upload(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "image/jpeg")


def submit(client, address: str, files=(), **changes):
    """Open a form, change some fields, choose files, and send it as a browser would."""
    fields = form_fields(client.get(address)) | changes
    return client.post(address, fields | {"new_photos": [upload(*file) for file in files]})


def said(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]
