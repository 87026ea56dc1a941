"""Serves what a till fetches: its state, the two files of its model, thumbnails."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import IO

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from api.errors import NOT_FOUND, ApiError
from catalog.access import refusal
from catalog.models import ProductImage
from catalog.views import thumbnail_bytes
from ml_training.backbones.loader import BackboneMissing
from ml_training.models import ShopTraining
from ml_training.storage import storage
from till.access import TillRequest, till_required
from till.devices import note_version, till_of
from till.state import backbone_of, read_state

CHUNK = 256 * 1024  # bytes sent in one step
_FOR_EVER = "private, max-age=31536000, immutable"


@require_safe
@till_required
def state(request: TillRequest) -> HttpResponseBase:
    """Products, prices and thresholds; 304 where nothing has changed."""
    till = till_of(request.access)
    note_version(till, request.headers.get("X-Till-Version", ""))
    body = json.dumps(
        read_state(request.shop, till.token.name if till else None), ensure_ascii=False
    ).encode()
    response = HttpResponse(body, "application/json", headers={"Cache-Control": "private, no-cache"})
    response["ETag"] = quote_etag(hashlib.sha256(body).hexdigest()[:32])
    return get_conditional_response(request, etag=response["ETag"], response=response) or response


@require_safe
@till_required
def model_file(request: TillRequest, sha256: str) -> HttpResponseBase:
    """The backbone or the head of the active version, sent as it is read."""
    found = _open_file(request, sha256)
    if found is None:
        return refusal(ApiError("This file does not belong to the model in use.", NOT_FOUND))
    file, size = found
    chunks = iter(partial(file.read, CHUNK), b"")
    body = _read_on(file, chunks) if isinstance(request, ASGIRequest) else chunks
    response = StreamingHttpResponse(body, content_type="application/octet-stream")
    response["Content-Length"] = str(size)
    response["Cache-Control"] = _FOR_EVER
    return response


def _open_file(request: TillRequest, sha256: str) -> tuple[IO[bytes], int] | None:
    training = ShopTraining.objects.select_related("active_version").filter(shop=request.shop).first()
    version = training and training.active_version
    if not version:
        return None
    head = version.files.get("head_onnx", {})
    try:
        if sha256 == head.get("sha256"):
            return storage().open(f"{version.folder}/{head['name']}", "rb"), head["bytes"]
        backbone = backbone_of(version.backbone)
        if sha256 == backbone.sha256:
            return backbone.path.open("rb"), backbone.path.stat().st_size
    except (FileNotFoundError, BackboneMissing):
        return None
    return None


async def _read_on(file: IO[bytes], chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Under ASGI Django would read a plain iterator to its end before it sends anything."""
    read_next = sync_to_async(partial(next, chunks, None))
    with file:
        while (chunk := await read_next()) is not None:
            yield chunk


@require_safe
@till_required
def thumbnail(request: TillRequest, pk: int, sha256: str) -> HttpResponseBase:
    """A small picture of a product that is sold."""
    of_shop = ProductImage.objects.filter(product__shop=request.shop, product__is_active=True)
    photo = of_shop.filter(pk=pk, sha256=sha256).first()
    try:
        if photo is None:
            raise Http404("There is no such photo.")
        content = thumbnail_bytes(photo)
    except Http404 as error:
        return refusal(ApiError(str(error), NOT_FOUND))
    return HttpResponse(content, content_type="image/jpeg", headers={"Cache-Control": _FOR_EVER})
