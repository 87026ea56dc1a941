"""Takes what a till sends back after a tap: once, whatever it sends twice."""

import math
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.http import JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST

from api.errors import BAD_INPUT, NOT_FOUND, UNAUTHENTICATED, ApiError
from catalog.models import Product, Shop
from catalog.photo_files import PhotoRefused
from catalog.photos.undo import files_undone_on_failure, note_stored
from ml_training.recognition.recognize import MAX_PHOTOS
from till.access import TillRequest, shop_of, till_required
from till.devices import till_of
from till.limits import check_not_flooding, drop_old
from till.models import Correction, TillSettings
from till.photos import square_jpeg

MAX_PHOTO_BYTES = 900_000  # of a photo of 640 pixels; a request as a whole may have 1 MB
MAX_NUMBER = 2**31 - 1  # the largest that the columns hold
OLDEST = timedelta(days=365)  # what a device may say of its clock, either way
GONE = "This product is gone, or is not this shop's."


@require_POST
@till_required
def receive(request: TillRequest) -> JsonResponse:
    """Keep a correction; the same key again is answered as the first time."""
    _check_person(request)
    shop, (fields, files) = shop_of(request), _form(request)
    key = _uuid(fields.get("key", ""))
    is_new = not Correction.objects.filter(shop=shop, key=key).exists()
    if is_new:
        correction = _read(fields, shop, key)
        correction.till = till_of(request.access)
        correction.user = request.access.user if request.access.user.is_authenticated else None
        check_not_flooding(correction)
        is_new = _keep(correction, _read_photo(shop, files.get("photo")))
    if is_new:
        drop_old(shop)
    return JsonResponse({"key": str(key), "kept": True}, status=201 if is_new else 200)


def _check_person(request: TillRequest) -> None:
    """Refuse what one person tapped and another, who logged in meanwhile, would send."""
    told = request.headers.get("X-Till-Person")
    if told is not None and told != str(request.access.user.pk):
        raise ApiError("Somebody else has logged in. Log in again to send this.", UNAUTHENTICATED)


def _form(request: TillRequest) -> tuple[Any, Any]:
    try:
        return request.POST, request.FILES
    except (MultiPartParserError, BadRequest, SuspiciousOperation) as error:
        raise ApiError("The request is not a form that can be read.", BAD_INPUT) from error


def _keep(correction: Correction, photo: bytes | None) -> bool:
    """Store a correction; False if the device has sent it again meanwhile, and the other one was kept.

    Raises:
        ApiError: (NOT_FOUND) a product was deleted meanwhile.
    """
    try:
        with files_undone_on_failure(), transaction.atomic():
            correction.save()
            if photo:  # the file is written when the row has its place: of two at once only one comes so far
                correction.photo.save("photo.jpg", ContentFile(photo), save=False)
                note_stored(correction.photo.storage, str(correction.photo.name))
                correction.save(update_fields=["photo"])
    except IntegrityError as error:
        if Correction.objects.filter(shop=correction.shop, key=correction.key).exists():
            return False
        raise ApiError(GONE, NOT_FOUND) from error
    return True


def _read(fields: Any, shop: Shop, key: uuid.UUID) -> Correction:
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
        key=key,
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
        raise ApiError(GONE, NOT_FOUND)
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


def _read_photo(shop: Shop, file: UploadedFile | None) -> bytes | None:
    """The photo as it is kept; None where there is none, or the shop wants none.

    Raises:
        ApiError: it is no photo.
    """
    if file is None or not TillSettings.of(shop).keeps_photos:
        return None
    if (file.size or 0) > MAX_PHOTO_BYTES:
        raise ApiError("The photo is larger than a till sends.", BAD_INPUT)
    try:
        return square_jpeg(file.read())
    except PhotoRefused as error:
        raise ApiError(str(error), BAD_INPUT) from error
