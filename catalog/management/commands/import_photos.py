"""Imports folders of photos: every folder that directly holds image files is a product."""

from dataclasses import asdict
from pathlib import Path

from django.core.management.base import CommandError

from catalog.importing import find_product_folders, import_photos
from catalog.management.shop_command import ShopCommand


class Command(ShopCommand):
    help = (
        "Import photos. Every folder at or below DIR that directly holds image files is a product, its SKU "
        "the folder's name. Running it twice adds nothing."
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("dir", type=Path, metavar="DIR")

    def run(self, shop, **options):
        root = options["dir"]
        if not root.is_dir():
            raise CommandError(f"{root} is not a folder.")
        folders = find_product_folders(root)
        if not folders:
            raise CommandError(f"No image files in {root} or below.")
        with self.bar(sum(map(len, folders.values())), "photos") as bar:
            try:
                report = import_photos(shop, root, folders, on_photo=bar.update)
            except OSError as error:  # such as a full disk
                text = f"Stopped: a photo could not be stored ({error}). What was imported before stays."
                raise CommandError(text) from error
        for refused in report.refused:
            self.stderr.write(f"Refused {refused['file']}: {refused['reason']}")
        self.say(
            f"{report.products} products and {report.photos} photos added, {report.duplicates} were there "
            f"already, {len(report.refused)} refused, in {report.seconds:.1f} s."
        )
        return asdict(report)
