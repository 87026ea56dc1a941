"""The admin page Settings > ML Model, and what its buttons and its script ask for."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Shop
from ml_training.models import ShopTraining
from ml_training.permissions import PREPARE_TRAINING, VIEW_TRAINING
from ml_training.runs.queue import prepare_training_data
from ml_training.status.held_back import held_back_for
from ml_training.status.runs import training_history
from ml_training.status.shop import page_data, training_info
from ml_training.status.versions import versions_for


def chosen_shop(request) -> tuple[Shop | None, list[Shop]]:
    """The shop named in the address, or the first that this user may see, and all of them.

    Raises:
        Http404: the user may not see that shop, or there is none of that name.
        PermissionDenied: the user may not see training at all.
    """
    if not request.user.has_perm(VIEW_TRAINING):
        raise PermissionDenied
    shops = list(Shop.objects.visible_to(request.user))
    slug = request.GET.get("shop")
    if slug is None:
        return (shops[0] if shops else None), shops
    for shop in shops:
        if shop.slug == slug:
            return shop, shops
    raise Http404("There is no such shop, or you may not see it.")


@never_cache
@require_safe
def ml_model_page(request):
    """The page as it is now; a script keeps it so."""
    shop, shops = chosen_shop(request)
    info = training_info(shop) if shop else None
    context = {
        **admin.site.each_context(request),
        "title": "ML Model",
        "shop": shop,
        "shops": shops,
        "info": info,
        "unknowns_named": f"{100 * ShopTraining.of(shop).unknowns_named:g} %" if shop else "",
        "history": training_history(shop) if shop else [],
        "may_prepare": request.user.has_perm(PREPARE_TRAINING),
        **held_back_for(request.user, shop, info),
        **versions_for(request.user, shop),
    }
    return render(request, "admin/ml_model.html", context)


@never_cache
@require_safe
def ml_model_status(request):
    """The same as JSON: for Refresh, after a lost connection, and where pushes do not come through."""
    shop, _ = chosen_shop(request)
    if shop is None:
        raise Http404("You are not a member of any shop.")
    return JsonResponse(page_data(shop))


@require_POST
def prepare(request):
    """Prepare training data: every photo is checked and looked at again."""
    shop, _ = chosen_shop(request)
    if shop is None or not request.user.has_perm(PREPARE_TRAINING):
        raise PermissionDenied
    prepare_training_data(shop)
    text = "Every photo is being checked again. You will be told here what was found."
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"message": text})
    messages.info(request, text)
    return redirect(f"{reverse('admin:ml_model')}?shop={shop.slug}")
