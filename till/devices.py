"""Makes tills: devices with a token of their own, that a shop can name, see and turn away."""

from datetime import datetime
from urllib.parse import quote

from django.db import transaction
from django.urls import reverse

from catalog.access import Access
from catalog.models import Shop
from catalog.tokens import ApiToken, digest_of
from till.models import Till
from till.permissions import TILL

MAX_VERSION = 2**31 - 1  # the largest number that the column holds


def add_till(shop: Shop, name: str, expires_at: datetime | None = None, created_by=None) -> tuple[Till, str]:
    """Make a till.

    Transaction:  opens one.
    Returns:
        The row, and the secret of its token, which nothing can tell again.
    """
    with transaction.atomic():
        token = make_token(shop, name, expires_at, created_by)
        return Till.objects.create(token=token), token.secret


def make_token(shop: Shop, name: str, expires_at: datetime | None, created_by) -> ApiToken:
    """A token for a till, with its secret, which is not stored."""
    return ApiToken.make(shop, name, [TILL], expires_at=expires_at, created_by=created_by)[0]


def pairing_address(site: str, secret: str) -> str:
    """What a phone opens to become a till. A server never sees what follows on the #."""
    return f"{site.rstrip('/')}{reverse('till')}#token={quote(secret)}"


def till_of(access: Access) -> Till | None:
    """The device that asks; None for staff, and for tokens with the scope that were made by hand."""
    if access.grant is None:
        return None
    return Till.objects.select_related("token").filter(token__digest=digest_of(access.bearer)).first()


def note_version(till: Till | None, told: str) -> None:
    """Remember which version of the model a device answers with, when that changes."""
    if till is None or not (told.isascii() and told.isdecimal()) or int(told[:10]) > MAX_VERSION:
        return
    if till.version != int(told[:10]):
        Till.objects.filter(pk=till.pk).update(version=int(told[:10]))
