"""The sections of Settings > ML Model that say what to do next and how good it is; each can be loaded anew.

Called by `config.site`, for one section; the whole page shows both by the template tags `ml_advice`.
"""

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.models import Shop
from ml_training.advice import shop_advice
from ml_training.charts import shop_charts
from ml_training.page import chosen_shop

CATALOGUE = ("catalog.view_product", "catalog.view_productimage")  # both sections name products


@never_cache
@require_safe
def advice(request):
    return render(request, "admin/ml_model/advice.html", {"advice": shop_advice(_shop(request))})


@never_cache
@require_safe
def charts(request):
    return render(request, "admin/ml_model/charts.html", {"charts": shop_charts(_shop(request))})


def _shop(request) -> Shop:
    shop, _ = chosen_shop(request)
    if not request.user.has_perms(CATALOGUE):
        raise PermissionDenied
    if shop is None:
        raise Http404("You are not a member of any shop.")
    return shop
