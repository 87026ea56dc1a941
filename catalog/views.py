"""Serves photos to those who may see them. A photo's address carries its hash, so it never changes."""

import io

from django.http import FileResponse, Http404, HttpResponse
from django.views.decorators.http import require_safe

from catalog.access import AccessRequest, access_required
from catalog.models import ProductImage
from catalog.permissions import VIEW_PHOTOS
from catalog.photo_files import ACCEPTED, PhotoRefused, open_upright
from catalog.scopes import reading_scopes

THUMBNAIL_SIDE = 240  # pixels
_FOR_EVER = "private, max-age=31536000, immutable"
_CONTENT_TYPES = {extension: f"image/{extension}" for extension in ACCEPTED.values()} | {"jpg": "image/jpeg"}


def _visible_photo(request: AccessRequest, pk: int, sha256: str) -> ProductImage:
    photo = ProductImage.objects.filter(
        pk=pk, sha256=sha256, product__shop__in=request.access.shops()
    ).first()
    if photo is None:
        raise Http404
    return photo


@require_safe
@access_required(VIEW_PHOTOS, *reading_scopes())
def photo(request: AccessRequest, pk: int, sha256: str):
    """The original, byte for byte."""
    found = _visible_photo(request, pk, sha256)
    try:
        file = found.image.open("rb")
    except FileNotFoundError as error:
        raise Http404("This photo's file is missing from the storage.") from error
    extension = found.image.name.rpartition(".")[2]
    response = FileResponse(file, content_type=_CONTENT_TYPES.get(extension, "application/octet-stream"))
    response["Content-Disposition"] = "inline"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = _FOR_EVER
    return response


@require_safe
@access_required(VIEW_PHOTOS, *reading_scopes())
def thumbnail(request: AccessRequest, pk: int, sha256: str):
    """A small upright JPEG, whatever the original's format."""
    content = thumbnail_bytes(_visible_photo(request, pk, sha256))
    return HttpResponse(content, content_type="image/jpeg", headers={"Cache-Control": _FOR_EVER})


def thumbnail_bytes(photo: ProductImage) -> bytes:
    """Make a small upright JPEG of a photo.

    Raises:
        Http404: its file is missing or damaged.
    """
    try:
        with photo.image.open("rb") as file:
            picture = open_upright(file.read(), THUMBNAIL_SIDE)
    except (FileNotFoundError, PhotoRefused) as error:
        raise Http404("This photo's file is missing or damaged.") from error
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
