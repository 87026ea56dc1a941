"""Template tags: what photos and trials say."""

from weakref import WeakKeyDictionary

from django import template
from django.http import HttpRequest

from catalog.formatting import percent
from catalog.models import Product
from ml_training.advice.product import ProductAdvice, product_advice
from ml_training.permissions import VIEW_TRAINING
from ml_training.web.sections import CATALOGUE

register = template.Library()
register.filter(percent)
_kept: WeakKeyDictionary[HttpRequest, dict[Product, ProductAdvice]] = WeakKeyDictionary()  # by request


@register.simple_tag(takes_context=True)
def recognition_of(context, product: Product | None) -> ProductAdvice | None:
    """How well a product is recognised, worked out once a request; None for whoever may not see training."""
    request = context["request"]
    if product is None or product.pk is None or not request.user.has_perms((VIEW_TRAINING, *CATALOGUE)):
        return None
    if product not in (kept := _kept.setdefault(request, {})):
        kept[product] = product_advice(product)
    return kept[product]


@register.filter
def mark_of(advice: ProductAdvice | None, photo_pk: int) -> str:
    """Why a photo looks wrong; empty if it does not."""
    return advice.marks.get(photo_pk, "") if advice else ""
