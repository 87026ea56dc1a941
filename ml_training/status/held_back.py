"""Where the newest version was held back: which one it is, and the photos that its sentence asks to check."""

from dataclasses import dataclass

from django.contrib.auth.models import AbstractUser, AnonymousUser

from catalog.models import ProductImage, Shop
from catalog.permissions import VIEW_PHOTOS, VIEW_PRODUCTS
from ml_training.gate.judge import find_photos_to_check
from ml_training.models import ModelVersion
from ml_training.permissions import VIEW_VERSIONS
from ml_training.status.shop import TrainingInfo

MAX_SHOWN = 8  # photos; the sentence names the first of them


@dataclass(frozen=True)
class HeldBack:
    version: int
    photos: list[ProductImage]  # the surest first, on the products that they lie on now
    more: int  # photos that are not shown


def held_back_for(user: AbstractUser | AnonymousUser, shop: Shop, info: TrainingInfo) -> dict:
    """What the template `admin/ml_model/held_back.html` needs; nothing where no version was held back for the
    one that serves, and no more than this user may see."""
    if info.version is None or info.held_back is None:
        return {}
    may_see = user.has_perms((VIEW_PHOTOS, VIEW_PRODUCTS))
    photos = _photos(shop, info.version, info.held_back) if may_see else []
    return {
        "held_back": HeldBack(info.held_back, photos[:MAX_SHOWN], max(len(photos) - MAX_SHOWN, 0)),
        "may_see_versions": user.has_perm(VIEW_VERSIONS),
    }


def _photos(shop: Shop, active: int, new: int) -> list[ProductImage]:
    versions = ModelVersion.objects.filter(shop=shop, number__in=[active, new])
    by_number = {version.number: version for version in versions.defer("files", "changes")}
    if len(by_number) < 2:
        return []
    blamed = find_photos_to_check(by_number[active], by_number[new])
    rows = ProductImage.objects.filter(product__shop=shop).select_related("product").in_bulk(blamed)
    return [rows[photo] for photo in blamed if photo in rows]
