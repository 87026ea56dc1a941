"""Makes the demo's login, and fills its shop on the first run."""

import csv
import os
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from catalog.importing import ImportReport, find_product_folders, import_photos
from catalog.models import Shop

DEMO = settings.BASE_DIR / "demo"


class Command(BaseCommand):
    help = "Create the login demo (password: DEMO_PASSWORD), and the demo's products the first time."

    def add_arguments(self, parser):
        parser.add_argument("--empty", action="store_true", help="the login alone, and no products")

    def handle(self, *args, **options):
        password = os.environ.get("DEMO_PASSWORD")
        if not password:
            raise CommandError("Set DEMO_PASSWORD to the password that the user demo shall have.")
        users = get_user_model().objects
        # Products and login come together: a first run that was broken off is then still the first run.
        with transaction.atomic():
            is_first = not users.filter(username="demo").exists() and not Shop.default().products.exists()
            if is_first and not options["empty"]:
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
        CommandError: a photo could not be stored, or this installation refuses it; nothing may be kept then.
    """
    try:
        report = import_photos(shop, demo / "photos", find_product_folders(demo / "photos"))
    except OSError as error:  # such as a full disk
        raise CommandError(f"A photo of the demo could not be stored: {error}.") from error
    for refused in report.refused:
        raise CommandError(f"The demo's photo {refused['file']} was refused: {refused['reason']}")
    shop.currency = "SEK"  # the photos are from Swedish shops
    shop.save(update_fields=["currency"])
    with (demo / "products.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            product = shop.products.get(sku=row["sku"])
            product.name, product.barcode, product.price = row["name"], row["barcode"], row["price"] or None
            product.unit = row["unit"]
            product.save()
    return report
