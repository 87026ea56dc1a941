"""Which versions served lately, since a person last chose one: what a new version is measured by besides the
active one.
"""

from django.db.models import Q, QuerySet

from ml_training.gate.rules import RULES
from ml_training.models import ModelVersion
from ml_training.versions.metrics import accuracy_of


def find_best_baseline(active: ModelVersion) -> ModelVersion | None:
    """The version before the active one with the highest estimate, of those that it can be measured by.

    These served before it since a person last chose a version, and learned about as many photos: with far
    more, a loss may be what the catalogue removed. None where none of them was better.
    """
    if active.pk is None:
        return None
    like_it = _served_before(active).filter(
        photos__range=(RULES.min_size_ratio * active.photos, active.photos / RULES.min_size_ratio)
    )
    accuracies = {
        version.pk: accuracy_of(version) for version in like_it.only("metrics")[: RULES.max_baselines]
    }
    best = max(accuracies, key=lambda pk: (accuracies[pk] or 0, pk), default=None)
    if best is None or (accuracies[best] or 0) <= (accuracy_of(active) or 0):
        return None
    return ModelVersion.objects.only("shop", "number", "cross_validated", "evidence").get(pk=best)


def _served_before(active: ModelVersion) -> QuerySet[ModelVersion]:
    """The versions that served before the active one since a person last chose one, newest first."""
    earlier = ModelVersion.objects.filter(shop_id=active.shop_id, number__lt=active.number)
    chosen = ModelVersion.objects.filter(shop_id=active.shop_id).exclude(chosen_at=None)
    if last := chosen.order_by("-chosen_at").values("pk", "chosen_at").first():
        if last["pk"] == active.pk:
            return earlier.none()
        earlier = earlier.filter(Q(pk=last["pk"]) | Q(created_at__gt=last["chosen_at"]))
    return earlier.filter(Q(held_back="") | ~Q(chosen_at=None))


def list_baseline_numbers(active: ModelVersion) -> list[int]:
    """The numbers of the active version and of those that served before it, newest first."""
    return [active.number, *_served_before(active).values_list("number", flat=True)[: RULES.max_baselines]]
