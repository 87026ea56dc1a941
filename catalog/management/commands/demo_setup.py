"""Makes the demo's login, and fills its shop on the first run."""

import csv
import os
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from catalog.importing import ImportReport, find_product_folders, import_photos, sku_of
from catalog.models import Product, Shop

DEMO = settings.BASE_DIR / "demo"
COLUMNS = ["sku", "name", "barcode", "price"]


class Command(BaseCommand):
    help = "Create the login demo (password: DEMO_PASSWORD), and the demo's products the first time."

    def handle(self, *args, **options):
        password = os.environ.get("DEMO_PASSWORD")
        if not password:
            raise CommandError("Set DEMO_PASSWORD to the password that the user demo shall have.")
        users = get_user_model().objects
        # Products and login come together: a first run that was broken off is then still the first run.
        with transaction.atomic():
            if not users.filter(username="demo").exists() and not Shop.default().products.exists():
                self.stdout.write("First run: filling a small shop to play with.")
                report = fill(Shop.default(), DEMO)
                self.stdout.write(f"{report.products} products with {report.photos} photos.")
            user, _ = users.get_or_create(username="demo", defaults={"is_staff": True, "is_superuser": True})
            user.set_password(password)
            user.save(update_fields=["password"])


def fill(shop: Shop, demo: Path) -> ImportReport:
    """Import the demo's photos into an empty shop, and name its products as `products.csv` does.

    Transaction:  needs one, so that a shop is filled wholly or not at all.
    Raises:
        CommandError: the demo's files are not what they should be; nothing may be kept then.
    """
    rows = read_products(demo / "products.csv")
    folders = find_product_folders(demo / "photos")
    if odd := {sku_of(folder) for folder in folders} ^ rows.keys():
        raise CommandError(f"products.csv and the folders of photos differ in: {', '.join(sorted(odd))}.")
    try:
        report = import_photos(shop, demo / "photos", folders)
    except OSError as error:  # such as a full disk
        raise CommandError(f"A photo of the demo could not be stored: {error}.") from error
    for refused in report.refused:
        raise CommandError(f"The demo's photo {refused['file']} was refused: {refused['reason']}")
    for product in shop.products.filter(sku__in=rows):
        describe(product, rows[product.sku])
    return report


def read_products(path: Path) -> dict[str, dict[str, str]]:
    """The rows of a table of products, by SKU."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            table = csv.DictReader(file, strict=True)
            columns, rows = table.fieldnames, list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"The demo's products cannot be read from {path}: {error}.") from error
    # Where a line is longer or shorter than the first one, the reader puts None.
    if columns != COLUMNS or any(None in [*row, *row.values()] for row in rows):
        raise CommandError(f"Every line of {path} must have these columns: {', '.join(COLUMNS)}.")
    products = {row["sku"]: row for row in rows}
    if len(products) < len(rows):
        raise CommandError(f"A product has two lines in {path}.")
    return products


def describe(product: Product, row: dict[str, str]) -> None:
    product.name, product.barcode, product.price = row["name"], row["barcode"], row["price"] or None
    try:
        product.full_clean()
    except ValidationError as error:
        raise CommandError(f"products.csv, {product.sku}: {' '.join(error.messages)}") from error
    product.save()
