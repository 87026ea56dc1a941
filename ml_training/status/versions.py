"""A shop's versions in words: how good they are, what changed, which one serves, what can be done."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractUser, AnonymousUser

from catalog.models import Shop
from catalog.permissions import VIEW_PHOTOS
from ml_training.gate.judge import why_held_back
from ml_training.models import ModelVersion, ShopTraining
from ml_training.permissions import CHOOSE_VERSION
from ml_training.versions.diff import changes_in_words
from ml_training.versions.metrics import accuracy_in_words, coverage_in_words

SHOWN = 6  # versions on the page at once
MAX_VERSIONS = 100  # versions that can be unfolded
# What a version is; names of the style of its badge.
SERVES = "serves"
HELD_BACK = "held-back"
REMOVED = "removed"
EARLIER = "earlier"
KEPT = "kept"
LABELS = {
    SERVES: "Serves",
    HELD_BACK: "Held back",
    REMOVED: "Files removed",
    EARLIER: "Earlier",
    KEPT: "Not in use",
}
ACTIONS = {HELD_BACK: "Activate anyway", EARLIER: "Roll back to this version", KEPT: "Activate"}


@dataclass(frozen=True)
class VersionInfo:
    number: int
    created_at: datetime
    state: str  # serves, held-back, removed, earlier or kept
    accuracy: str  # in words; empty if nothing is known
    coverage: str  # share of known photos named, in words; empty if nothing is known
    products: int
    photos: int
    changes: str  # since the version before, in words
    held_back: str  # why
    has_photo_list: bool

    @property
    def label(self) -> str:
        return LABELS[self.state]

    @property
    def action(self) -> str:
        """What the button says; empty where there is nothing to do."""
        return ACTIONS.get(self.state, "")


@dataclass(frozen=True)
class VersionList:
    versions: list[VersionInfo]  # newest first; the one that serves is always among them
    total: int

    @property
    def newest(self) -> list[VersionInfo]:
        return self.versions[:SHOWN]

    @property
    def older(self) -> list[VersionInfo]:
        return self.versions[SHOWN:]


def versions_for(user: AbstractUser | AnonymousUser, shop: Shop) -> dict:
    """What the template `admin/ml_model/versions.html` needs, for whoever may see versions."""
    return {
        "version_list": version_list(shop),
        "may_choose": user.has_perm(CHOOSE_VERSION),
        "may_see_photos": user.has_perm(VIEW_PHOTOS),
    }


def version_list(shop: Shop) -> VersionList:
    """Read the newest versions of a shop, in two to four queries."""
    versions = ModelVersion.objects.filter(shop=shop).defer(*ModelVersion.long_fields(), "files")
    found = list(versions[:MAX_VERSIONS])
    state = ShopTraining.objects.filter(shop=shop).first() or ShopTraining(shop_id=shop.pk)
    active_pk = state.active_version_id
    if active_pk and active_pk not in {version.pk for version in found}:
        found += versions.filter(pk=active_pk)
    active = next((version.number for version in found if version.pk == active_pk), None)
    total = versions.count() if len(found) >= MAX_VERSIONS else len(found)
    return VersionList([_info(version, state, active) for version in found], total)


def _info(version: ModelVersion, state: ShopTraining, active: int | None) -> VersionInfo:
    return VersionInfo(
        number=version.number,
        created_at=version.created_at,
        state=state_of(version, active),
        accuracy=accuracy_in_words(version),
        coverage=coverage_in_words(version, state),
        products=version.products,
        photos=version.photos,
        changes="" if version.changes is None else changes_in_words(version),
        held_back=why_held_back(version),
        has_photo_list=version.changes is not None,
    )


def state_of(version: ModelVersion, active: int | None) -> str:
    """What a version is, while the one with the number `active` serves."""
    if version.number == active:
        return SERVES
    if not version.has_files:
        return REMOVED
    if version.held_back:
        return HELD_BACK
    return EARLIER if active is not None and version.number < active else KEPT
