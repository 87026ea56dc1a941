"""Small pictures of photos: made once, and kept as long as the photo is.

They lie in the cache folder, which may be emptied at any time.
"""

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path

from django.conf import settings

from catalog.models import ProductImage
from catalog.photo_files import open_upright

SIDE = 240  # pixels, of the longer side
FOLDER = "thumbnails"
_HASH = re.compile("[0-9a-f]{64}")


def thumbnail_bytes(photo: ProductImage) -> bytes:
    """A small upright JPEG of a photo.

    Effects:      the thumbnail's file, the first time.
    Raises:
        FileNotFoundError: the photo's file is missing.
        PhotoRefused: it is damaged.
        TooManyPhotos: others are being decoded.
    """
    path = _path(photo.sha256)
    with contextlib.suppress(OSError):
        return path.read_bytes()
    content = _make(photo)
    with contextlib.suppress(OSError):  # a full disk: it is made again next time
        _keep(path, content)
    return content


def drop_thumbnail(sha256: str) -> None:
    """Remove a thumbnail if no photo has this hash any more.

    Repeatable:   yes.
    """
    path = _path(sha256)
    if path.exists() and not ProductImage.objects.filter(sha256=sha256).exists():
        path.unlink(missing_ok=True)


def drop_unused_thumbnails() -> int:
    """Remove thumbnails that no photo has, such as of photos that were deleted on another host.

    Returns:
        How many were removed.
    Repeatable:   yes.
    """
    removed = 0
    for folder in [path for path in (settings.CACHE_DIR / FOLDER).glob("*") if path.is_dir()]:
        names = [path.stem for path in folder.glob("*.jpg") if _HASH.fullmatch(path.stem)]
        used = set(ProductImage.objects.filter(sha256__in=names).values_list("sha256", flat=True))
        for name in set(names) - used:
            _path(name).unlink(missing_ok=True)
            removed += 1
    return removed


def _path(sha256: str) -> Path:
    return settings.CACHE_DIR / FOLDER / sha256[:2] / f"{sha256}.jpg"


def _make(photo: ProductImage) -> bytes:
    with photo.image.open("rb") as file:
        picture = open_upright(file.read(), SIDE)
    picture.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _keep(path: Path, content: bytes) -> None:
    """Write a file that others see whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
