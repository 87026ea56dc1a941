"""The admin page Settings > ML Model, the sections that its script asks for again, and its buttons."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ml_training.permissions import PREPARE_TRAINING
from ml_training.runs.deep import lifecycle as deep_lifecycle
from ml_training.runs.queue import prepare_training_data
from ml_training.web.answers import answer, button, chosen_shop, shop_for
from ml_training.web.sections import render_sections


@never_cache
@require_safe
def ml_model_page(request: HttpRequest) -> HttpResponse:
    """The page as it is now; a script keeps it so."""
    shop, shops = chosen_shop(request)
    context = {
        **admin.site.each_context(request),
        "title": "ML Model",
        "shop": shop,
        "shops": shops,
        "sections": render_sections(request, shop) if shop else {},
    }
    return render(request, "admin/ml_model.html", context)


@never_cache
@require_safe
def sections(request: HttpRequest) -> HttpResponse:
    """The sections that the address names, one after the other."""
    rendered = render_sections(request, shop_for(request), request.GET.getlist("section"))
    return HttpResponse("\n".join(rendered.values()))


@button
def prepare(request: HttpRequest) -> HttpResponseBase:
    """Prepare training data: every photo is checked and looked at again."""
    shop = shop_for(request, PREPARE_TRAINING)
    prepare_training_data(shop)
    text = "Every photo is being checked again. You will be told here what was found."
    return answer(request, shop, text, messages.INFO)


@button
def cancel_deep(request: HttpRequest) -> HttpResponseBase:
    """Cancel the shop's deep training; the active model stays."""
    shop = shop_for(request, PREPARE_TRAINING)
    text = "Deep training is cancelled. The active model stays as it is."
    if not deep_lifecycle.cancel(shop):
        text = "There is no deep training any more."
    return answer(request, shop, text, messages.INFO)
