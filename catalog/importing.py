"""Brings folders of photos into a shop's catalogue."""

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import transaction

from catalog.models import MAX_SKU_LENGTH, Product, ProductImage, Shop, check_upload, short_name

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

    Hidden files and folders are passed over; links to folders are not followed. A folder that cannot be read
    is mapped to itself, so that the import names it.
    """
    folders: dict[Path, list[Path]] = {}

    def note_unreadable(error: OSError) -> None:
        folders[Path(error.filename)] = [Path(error.filename)]

    for folder, below, names in os.walk(root, onerror=note_unreadable):
        below[:] = sorted(name for name in below if not name.startswith("."))
        paths = [Path(folder, name) for name in sorted(names) if not name.startswith(".")]
        if files := [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES and _is_file(path)]:
            folders[Path(folder)] = files
    return folders


def _is_file(path: Path) -> bool:
    """Not a pipe, socket or device. What cannot be known, as of a broken link, is found out by opening it."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True


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
    Transaction:  opens one a photo, after decoding it: others can write meanwhile, and what was imported
                  stays if the import is stopped.
    Repeatable:   a second call adds nothing; photos already there count as duplicates.
    Raises:
        OSError: a photo could not be stored. One that cannot be read is refused instead.
    """
    report, started = ImportReport(), time.perf_counter()
    for folder, files in folders.items():
        sku = sku_of(folder)
        product = Product.objects.filter(shop=shop, sku=sku).first() or _new_product(shop, sku)
        for position, path in enumerate(files):
            try:
                _import_file(product, path, position, report)
            except ValidationError as error:
                _note_refusal(report, path, root, error)
            on_photo()
    report.seconds = round(time.perf_counter() - started, 3)
    return report


def sku_of(folder: Path) -> str:
    """The SKU that a folder's name says; the folder may be given as `.`."""
    return readable(folder.absolute().name or folder.resolve().name)


def readable(name: str) -> str:
    """A file's name as text that can be stored: bytes that are no UTF-8 are written as %E9."""
    return "".join(f"%{ord(sign) - 0xDC00:02X}" if "\udc80" <= sign <= "\udcff" else sign for sign in name)


def _new_product(shop: Shop, sku: str) -> Product:
    return Product(shop=shop, sku=sku, name=sku.replace("-", " ").replace("_", " ").strip() or sku)


def _import_file(product: Product, path: Path, position: int, report: ImportReport) -> None:
    """Add one photo. A product is created with its first good one: a folder of broken files makes none."""
    if len(product.sku) > MAX_SKU_LENGTH:
        raise ValidationError(
            f"The folder's name is longer than {MAX_SKU_LENGTH} characters. Rename the folder."
        )
    try:
        source = path.open("rb")
    except OSError as error:
        raise ValidationError(f"The file cannot be read: {error.strerror}.") from error
    with source:
        name = readable(path.name)
        file = File(source, name=name)
        check_upload(file, name)
        is_new = product.pk is None
        with transaction.atomic():
            if is_new:
                product.save()
            ProductImage(product=product, position=position, image=file).save()
        report.products += is_new
        report.photos += 1


def _note_refusal(report: ImportReport, path: Path, root: Path, error: ValidationError) -> None:
    if getattr(error, "code", None) == "duplicate":
        report.duplicates += 1
        return
    reason = error.messages[0].removeprefix(f"{short_name(readable(path.name))}: ")
    report.refused.append({"file": readable(str(path.relative_to(root))), "reason": reason})
