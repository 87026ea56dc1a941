"""What becomes of corrections: taken as photos of a product, or refused. Nothing is learned before that."""

from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.activity.rows import Activity, record
from catalog.models import Product, ProductImage
from catalog.photos.undo import files_undone_on_failure
from till.models import Correction

State = Correction.State


@dataclass
class Taken:
    """What came of taking several at once."""

    done: list[Correction] = field(default_factory=list)
    photos: int = 0
    barcodes: int = 0
    problems: list[str] = field(default_factory=list)  # a sentence for each that still waits


def take(corrections, by, product: Product | None = None, with_barcode: bool = True) -> Taken:
    """Make the photos of corrections photos of a product, each for itself: one refused stops no other.

    Args:
        corrections: that wait; others are left as they are.
        by: who decides it.
        product: takes all of them; None: each goes to the product that was chosen at the till.
        with_barcode: whether a barcode that came along may be stored with the product.
    Effects:      photos, and with them training; barcodes; the corrections' state; their own files removed.
    Transaction:  opens one for each.
    Repeatable:   yes; a second call finds none that waits.
    """
    taken = Taken()
    for pk in corrections.values_list("pk", flat=True):
        try:
            with files_undone_on_failure(), transaction.atomic():
                _take_one(pk, by, product, with_barcode, taken)
        except ValidationError as error:
            taken.problems.extend(error.messages)
        except IntegrityError:
            taken.problems.append(_("A product was deleted meanwhile; its photo still waits."))
    return taken


def _take_one(pk: int, by, product: Product | None, with_barcode: bool, taken: Taken) -> None:
    correction = _claim(pk)
    if correction is None:
        return
    target = product or correction.chosen
    if target is None:
        text = _("%(name)s is not in the catalogue any more: take its photo for another product.")
        raise ValidationError(text % {"name": correction.chosen_name})
    has_photo = _add_photo(correction, target)
    has_barcode = with_barcode and _store_barcode(correction, target)
    if product is not None:  # the figures tell what it really was
        correction.chosen, correction.chosen_name = product, product.name
        if correction.is_right is not None:
            correction.is_right = correction.said_id == product.pk
    _decide(correction, State.TAKEN, by)
    taken.done.append(correction)
    taken.photos += has_photo
    taken.barcodes += has_barcode


def refuse(corrections, by) -> list[Correction]:
    """Delete the photos of corrections that wait; what was said and chosen at the till stays.

    Repeatable:   yes.
    """
    refused = []
    for pk in corrections.values_list("pk", flat=True):
        with transaction.atomic():
            if correction := _claim(pk):
                _decide(correction, State.REFUSED, by)
                refused.append(correction)
    return refused


def _claim(pk: int) -> Correction | None:
    """Hold a correction until the transaction ends; None if somebody has decided meanwhile."""
    return Correction.objects.select_for_update().filter(pk=pk, state=State.WAITING).first()


def _decide(correction: Correction, state: str, by) -> None:
    correction.state, correction.decided_by, correction.decided_at = state, by, timezone.now()
    verb = "took" if state == State.TAKEN else "deleted"
    record(Activity.Kind.TILL, f"{verb} a till's photo of {correction.chosen_name}", correction.shop)
    correction.save()
    correction.drop_photo()


def _add_photo(correction: Correction, product: Product) -> bool:
    if not correction.photo:
        return False
    try:
        with correction.photo.open("rb") as file:
            content = file.read()
    except OSError as error:
        text = _("The photo of %(name)s is missing from the storage.")
        raise ValidationError(text % {"name": correction.chosen_name}) from error
    last = product.images.order_by("-position").values_list("position", flat=True).first()
    name = f"till-{correction.received_at:%Y-%m-%d}-{correction.pk}.jpg"
    position = 0 if last is None else last + 1
    ProductImage(product=product, image=ContentFile(content, name=name), position=position).save()
    return True


def _store_barcode(correction: Correction, product: Product) -> bool:
    """Give a product the barcode that was scanned, where it has none and no other product has this one."""
    shelf = Product.objects.filter(shop=correction.shop_id)
    if not correction.code or product.barcode or shelf.filter(barcode=correction.code).exists():
        return False
    is_stored = bool(shelf.filter(pk=product.pk, barcode="").update(barcode=correction.code))
    if is_stored:
        record(Activity.Kind.PRODUCT, f"stored the barcode {correction.code} with {product}", correction.shop)
    return is_stored
