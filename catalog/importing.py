"""Brings folders of photos into a shop's catalogue.

Called by the command `import_photos`; every folder that directly holds image files is a product.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import transaction

from catalog.models import Product, ProductImage, Shop

IMAGE_SUFFIXES = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".heic", ".heif", ".hif",
    ".gif", ".bmp", ".tif", ".tiff",
}  # fmt: skip


@dataclass
class ImportReport:
    """What an import did. `products` and `photos` count what was added."""

    products: int = 0
    photos: int = 0
    duplicates: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)
    seconds: float = 0.0


def find_product_folders(root: Path) -> dict[Path, list[Path]]:
    """Map each folder at or below `root` that directly holds image files to those files, sorted.

    Hidden files and folders are passed over; links to folders are not followed.
    """
    folders: dict[Path, list[Path]] = {}
    for path in sorted(root.rglob("*")):
        if any(part.startswith(".") for part in path.relative_to(root).parts):
            continue
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
            folders.setdefault(path.parent, []).append(path)
    return folders


def import_photos(
    shop: Shop,
    root: Path,
    folders: dict[Path, list[Path]],
    on_photo: Callable[[], object] = lambda: None,
) -> ImportReport:
    """Import product folders into a shop.

    Args:
        root: names of refused files are given relative to it.
        folders: as `find_product_folders` returns them.
        on_photo: called after each file, whatever became of it.
    Effects:      Product and ProductImage rows, photo files; their signals ask for training.
    Transaction:  opens one a folder: what was imported stays if the import is stopped.
    Repeatable:   a second call adds nothing; photos already there count as duplicates.
    """
    report, started = ImportReport(), time.perf_counter()
    for folder, files in folders.items():
        with transaction.atomic():
            _import_folder(shop, root, folder, files, report, on_photo)
    report.seconds = round(time.perf_counter() - started, 3)
    return report


def _import_folder(shop, root, folder, files, report, on_photo):
    product = Product.objects.filter(shop=shop, sku=folder.name[:100]).first()
    for position, path in enumerate(files):
        try:
            if product is None:
                product = _first_photo(shop, folder, path)
                report.products += 1
            else:
                _add_photo(product, path, position)
            report.photos += 1
        except OSError as error:
            _refuse(report, path.relative_to(root), f"The file cannot be read: {error.strerror}.")
        except ValidationError as error:
            if getattr(error, "code", None) == "duplicate":
                report.duplicates += 1
            else:
                _refuse(report, path.relative_to(root), error.messages[0].removeprefix(f"{path.name}: "))
        on_photo()


def _refuse(report: ImportReport, file: Path, reason: str) -> None:
    report.refused.append({"file": str(file), "reason": reason})


def _first_photo(shop: Shop, folder: Path, path: Path) -> Product:
    """Create a product together with its first good photo: a folder of broken files makes no product."""
    name = folder.name.replace("-", " ").replace("_", " ").strip() or folder.name
    with transaction.atomic():
        product = Product.objects.create(shop=shop, sku=folder.name[:100], name=name[:200])
        _add_photo(product, path, 0)
    return product


def _add_photo(product: Product, path: Path, position: int) -> None:
    with path.open("rb") as file, transaction.atomic():
        photo = ProductImage(product=product, position=position, image=File(file, name=path.name))
        photo.save()
