"""The admin page Settings > ML Model. Called by `config.site`; what it shows comes from `status`."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.models import Shop
from ml_training.status import training_info


def chosen_shop(request) -> tuple[Shop | None, list[Shop]]:
    """The shop named in the address, or the first that this user may see, and all of them.

    Raises:
        Http404: the user may not see that shop, or there is none of that name.
    """
    shops = list(Shop.objects.visible_to(request.user))
    slug = request.GET.get("shop")
    if slug is None:
        return (shops[0] if shops else None), shops
    for shop in shops:
        if shop.slug == slug:
            return shop, shops
    raise Http404("There is no such shop, or you may not see it.")


@require_safe
def ml_model_page(request):
    if not request.user.has_perm("ml_training.view_trainingrun"):
        raise PermissionDenied
    shop, shops = chosen_shop(request)
    context = {
        **admin.site.each_context(request),
        "title": "ML Model",
        "shop": shop,
        "shops": shops,
        "info": training_info(shop) if shop else None,
    }
    return render(request, "admin/ml_model.html", context)
