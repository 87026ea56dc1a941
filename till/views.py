"""Serves what a till fetches: its state, the two files of its model, thumbnails."""

import hashlib
import json
from typing import IO

from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from api.errors import NOT_FOUND, ApiError
from catalog.models import ProductImage
from catalog.photo_files import PhotoRefused
from catalog.photos.thumbnails import thumbnail_bytes
from ml_training.backbones.loader import BackboneMissing
from ml_training.models import ModelVersion
from ml_training.storage import storage
from till.access import TillRequest, shop_of, till_required
from till.devices import note_version, till_of
from till.state import backbone_of, read_state
from till.streaming import stream

_FOR_EVER = "private, max-age=31536000, immutable"


@require_safe
@till_required
def state(request: TillRequest) -> HttpResponseBase:
    """Products, prices and thresholds; 304 where nothing has changed."""
    till = till_of(request.access)
    note_version(till, request.headers.get("X-Till-Version", ""))
    told = read_state(shop_of(request), till.token.name if till else None, request.access.user.pk)
    body = json.dumps(told, ensure_ascii=False).encode()
    response = HttpResponse(body, "application/json", headers={"Cache-Control": "private, no-cache"})
    response["ETag"] = quote_etag(hashlib.sha256(body).hexdigest()[:32])
    return get_conditional_response(request, etag=response["ETag"], response=response) or response


@require_safe
@till_required
def model_file(request: TillRequest, sha256: str) -> HttpResponseBase:
    """The backbone or the head of the active version, sent as it is read."""
    in_use = ModelVersion.objects.filter(pk__in=request.shops.values("training__active_version"))
    for version in in_use.defer(*ModelVersion.long_fields()):
        if found := _open_file(version, sha256):
            return stream(request, *found, "application/octet-stream")
    raise ApiError("This file does not belong to the model in use.", NOT_FOUND)


def _open_file(version: ModelVersion, sha256: str) -> tuple[IO[bytes], int] | None:
    """One of a version's two files, open, with its length; None if it is neither, or has gone."""
    if not (head := version.files.get("head_onnx")):
        return None
    try:
        if sha256 == head["sha256"]:
            return storage().open(f"{version.folder}/{head['name']}", "rb"), head["bytes"]
        backbone = backbone_of(version.backbone)
        if sha256 == backbone.sha256:
            return backbone.path.open("rb"), backbone.path.stat().st_size
    except (FileNotFoundError, BackboneMissing):
        return None
    return None


@require_safe
@till_required
def thumbnail(request: TillRequest, pk: int, sha256: str) -> HttpResponseBase:
    """A small picture of a product that is sold."""
    sold = ProductImage.objects.filter(product__shop__in=request.shops, product__is_active=True)
    photo = sold.filter(pk=pk).first()
    if photo is None or photo.sha256 != sha256:
        raise ApiError("There is no such photo.", NOT_FOUND)
    try:
        content = thumbnail_bytes(photo)
    except (FileNotFoundError, PhotoRefused) as error:
        raise ApiError("This photo's file is missing or damaged.", NOT_FOUND) from error
    return HttpResponse(content, content_type="image/jpeg", headers={"Cache-Control": _FOR_EVER})
