"""The versions on Settings > ML Model: the buttons that choose one, and what a version learned."""

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from catalog.models import Shop
from catalog.permissions import VIEW_PHOTOS
from ml_training.backbones.loader import BackboneMissing
from ml_training.models import ModelVersion, TrainingRun
from ml_training.permissions import CHOOSE_VERSION, VIEW_VERSIONS
from ml_training.versions.activate import activate_version
from ml_training.versions.files import ModelFileDamaged
from ml_training.versions.provenance import learned_by_versions
from ml_training.web.answers import answer, button, number_in, shop_for

PHOTOS_A_PAGE = 100


@button
def activate(request: HttpRequest) -> HttpResponseBase:
    """Let the version whose button was pressed serve."""
    shop = shop_for(request, VIEW_VERSIONS, CHOOSE_VERSION)
    versions = ModelVersion.objects.select_related("run", "shop")
    version = get_object_or_404(versions, shop=shop, number=number_in(request, "version"))
    try:
        does = "serves" if activate_version(version) else "serves already"
        text, level = f"Version {version.number} {does}. {_how_long(shop)}", messages.SUCCESS
    except (ModelFileDamaged, BackboneMissing) as error:
        text, level = f"Nothing was changed. {error}", messages.ERROR
    return answer(request, shop, text, level, "#ml-versions")


def _how_long(shop: Shop) -> str:
    runs = TrainingRun.objects.filter(shop=shop, status__in=["queued", "training"])
    if going := runs.order_by("-status").first():
        state = "under way" if going.status == TrainingRun.Status.TRAINING else "queued"
        return f"A training is {state}: what it makes takes over when it is done, unless it is worse."
    return "What the next training makes takes over, unless it is worse."


@never_cache
@require_safe
def learned_photos(request: HttpRequest, number: int) -> HttpResponse:
    """The photos that a version learned, those that are gone since among them."""
    shop = shop_for(request, VIEW_VERSIONS, VIEW_PHOTOS)
    version = get_object_or_404(
        ModelVersion.objects.defer(*ModelVersion.long_fields()), shop=shop, number=min(number, 2**31 - 1)
    )
    page = Paginator(learned_by_versions([version]), PHOTOS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        **admin.site.each_context(request),
        "title": f"What version {version.number} learned",
        "shop": shop,
        "version": version,
        "page": page,
        "is_known": version.changes is not None,
    }
    return render(request, "admin/ml_model/learned_photos.html", context)
