"""Takes what a till sends back after a tap: once, whatever it sends twice."""

import math
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST

from api.errors import BAD_INPUT, NOT_FOUND, ApiError
from catalog.access import refusal
from catalog.models import Product, Shop, photo_limits
from catalog.photo_files import PhotoRefused, open_upright
from ml_training.recognition.recognize import MAX_PHOTOS
from till.access import TillRequest, till_required
from till.devices import till_of
from till.models import Correction, TillSettings
from till.photos import square_jpeg

MAX_PHOTO_BYTES = 900_000  # of a photo of 640 pixels; a request as a whole may have 1 MB
MAX_NUMBER = 2**31 - 1  # the largest that the columns hold
OLDEST = timedelta(days=365)  # what a device may say of its clock, either way


@require_POST
@till_required
def receive(request: TillRequest) -> JsonResponse:
    """Keep a correction; the same key again is answered as the first time."""
    try:
        key = _uuid(request.POST.get("key", ""))
        if not Correction.objects.filter(shop=request.shop, key=key).exists():
            return _keep(request, key)
    except ApiError as error:
        return refusal(error)
    return JsonResponse({"key": str(key), "kept": True})


def _keep(request: TillRequest, key: uuid.UUID) -> JsonResponse:
    correction = _read(request.POST, request.shop)
    correction.key, correction.till = key, till_of(request.access)
    correction.user = request.access.user if request.access.user.is_authenticated else None
    photo = _read_photo(request)
    try:
        with transaction.atomic():
            correction.save()
            if photo:  # the file is written when the row has its place: of two at once only one comes so far
                correction.photo.save("photo.jpg", ContentFile(photo))
    except IntegrityError:  # the device sent it again meanwhile
        return JsonResponse({"key": str(key), "kept": True})
    drop_old(request.shop)
    return JsonResponse({"key": str(key), "kept": True}, status=201)


def _read(fields: Any, shop: Shop) -> Correction:
    """Read what was said and what was chosen.

    Raises:
        ApiError: (BAD_INPUT) a field cannot be understood; (NOT_FOUND) a product is not the shop's.
    """
    answer = fields.get("answer", "")
    if answer and answer not in Correction.Answer.values:
        raise ApiError("answer is NAMED, CHOOSE, UNKNOWN or empty.", BAD_INPUT)
    chosen, said = _product(fields, "chosen", shop), _product(fields, "said", shop)
    if chosen is None:
        raise ApiError("chosen is the id of the product that it was.", BAD_INPUT)
    code = fields.get("code", "")
    if len(code) > 64 or not (code.isascii() and code.isprintable()):
        raise ApiError("code is a barcode of at most 64 letters and digits.", BAD_INPUT)
    return Correction(
        shop=shop,
        made_at=_moment(fields.get("made_at", "")),
        version=_whole(fields, "version", MAX_NUMBER),
        answer=answer,
        said=said,
        chosen=chosen,
        said_name=said.name if said else "",
        chosen_name=chosen.name,
        is_right=(said == chosen) if answer and said else None,
        confidence=_share(fields.get("confidence", "")),
        views=_whole(fields, "views", MAX_PHOTOS) or 1,
        code=code,
    )


def _product(fields: Any, name: str, shop: Shop) -> Product | None:
    pk = _whole(fields, name, 2**63 - 1)
    if pk is None:
        return None
    product = Product.objects.filter(shop=shop, pk=pk).first()
    if product is None:
        raise ApiError("This product is gone, or is not this shop's.", NOT_FOUND)
    return product


def _whole(fields: Any, name: str, most: int) -> int | None:
    text = fields.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= most):
        raise ApiError(f"{name} is a whole number, at most {most}, or empty.", BAD_INPUT)
    return int(text)


def _share(text: str) -> float | None:
    try:
        share = float(text) if text else None
    except ValueError:
        share = math.nan
    if share is not None and not 0 <= share <= 1:
        raise ApiError("confidence is a number from 0 to 1, or empty.", BAD_INPUT)
    return share


def _moment(text: str) -> datetime | None:
    """What the device's clock said; None where it cannot be true."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or timezone.is_naive(moment) or abs(moment - timezone.now()) > OLDEST:
        return None
    return moment


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise ApiError("key is a UUID that the device made.", BAD_INPUT) from None


def _read_photo(request: HttpRequest) -> bytes | None:
    """The photo as it is kept; None where there is none, or the shop wants none.

    Raises:
        ApiError: it is no photo.
    """
    file = request.FILES.get("photo")
    if file is None or not TillSettings.of(request.shop).keeps_photos:  # type: ignore[attr-defined]
        return None
    if file.size > MAX_PHOTO_BYTES:
        raise ApiError("The photo is larger than a till sends.", BAD_INPUT)
    try:
        return square_jpeg(open_upright(file.read(), max_pixels=photo_limits().max_pixels))
    except PhotoRefused as error:
        raise ApiError(str(error), BAD_INPUT) from error


def drop_old(shop: Shop | None = None) -> None:
    """Remove what is too old, and the photos of the oldest where there are too many.

    Effects:      rows; files once that has committed.
    Repeatable:   yes.
    """
    before = timezone.now() - timedelta(days=settings.TILL_CORRECTION_DAYS)
    rows = Correction.objects.filter(shop=shop) if shop else Correction.objects.all()
    rows.filter(received_at__lt=before).delete()
    with_photo = rows.exclude(photo="")
    shops = [shop.pk] if shop else with_photo.order_by().values_list("shop", flat=True).distinct()
    for pk in shops:
        for row in with_photo.filter(shop=pk)[settings.TILL_CORRECTIONS :]:
            row.drop_photo()
