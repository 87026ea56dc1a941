"""Serves photos to those who may see them. A photo's address carries its hash, so it never changes."""

from django.http import FileResponse, Http404, HttpResponse
from django.views.decorators.http import require_safe

from catalog.access import AccessRequest, access_required
from catalog.models import ProductImage
from catalog.permissions import VIEW_PHOTOS
from catalog.photo_files import ACCEPTED, PhotoRefused
from catalog.photos.thumbnails import thumbnail_bytes
from catalog.scopes import reading_scopes

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
    found = _visible_photo(request, pk, sha256)
    try:
        content = thumbnail_bytes(found)
    except (FileNotFoundError, PhotoRefused) as error:
        raise Http404("This photo's file is missing or damaged.") from error
    return HttpResponse(content, content_type="image/jpeg", headers={"Cache-Control": _FOR_EVER})
