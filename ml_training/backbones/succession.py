"""Says when a shop's models pass from one backbone to the next: once nearly all of its photos are embedded.

Until then whatever is trained is made for the backbone of the active version, so that a photo that is added
meanwhile is learned in seconds, however many photos wait for the new one. `runs/embed_ahead` embeds them.
"""

from django.db.models import QuerySet

from catalog.models import ProductImage
from ml_training.models import ImageEmbedding, TunedBackbone
from ml_training.recognizer.backbone import PACKAGED_VERSIONS

FEW = 100  # photos that the first run may embed by itself: some seconds


def can_go_on(backbone_id: str) -> bool:
    """Whether models can still be made for a backbone that is not that of the settings."""
    return backbone_id in PACKAGED_VERSIONS or TunedBackbone.objects.filter(backbone=backbone_id).exists()


def is_prepared(shop_id: int, before: str, after: str) -> bool:
    """Whether so few of a shop's photos lack a vector that a run may be made for the next backbone.

    Where more than a few can no longer be read, the storage is at fault: what serves goes on.

    Args:
        before, after: ids of the backbone that is used and of the next one.
    """
    return len(not_embedded(shop_id, before, after)[: FEW + 1]) <= FEW


def not_embedded(shop_id: int, before: str, after: str) -> QuerySet[ProductImage, str]:
    """SHA-256 of the photos that one backbone has embedded and the next one has not.

    Photos that were just added or that are set aside have no vector of either: nobody waits for them.
    """
    embedded = ImageEmbedding.objects.filter(backbone=before).values("sha256")
    again = ImageEmbedding.objects.filter(backbone=after).values("sha256")
    photos = ProductImage.objects.filter(product__shop=shop_id, sha256__in=embedded)
    return photos.exclude(sha256__in=again).order_by().values_list("sha256", flat=True).distinct()
