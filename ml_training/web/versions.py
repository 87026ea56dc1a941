"""The versions on Settings > ML Model: the list, the buttons that choose one, and what a version learned."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Shop
from catalog.permissions import VIEW_PHOTOS
from ml_training.backbones.loader import BackboneMissing
from ml_training.models import ModelVersion, TrainingRun
from ml_training.permissions import CHOOSE_VERSION, VIEW_VERSIONS
from ml_training.status.held_back import held_back_for
from ml_training.status.shop import training_info
from ml_training.status.versions import versions_for
from ml_training.versions.activate import activate_version
from ml_training.versions.files import ModelFileDamaged
from ml_training.versions.provenance import learned_by_versions
from ml_training.web.page import chosen_shop

PHOTOS_A_PAGE = 100


def _shop(request, *permissions: str) -> Shop:
    """The shop named in the address, for whoever has some permissions."""
    shop, _ = chosen_shop(request)
    if shop is None:
        raise Http404("You are not a member of any shop.")
    if not request.user.has_perms(permissions):
        raise PermissionDenied
    return shop


@never_cache
@require_safe
def versions(request) -> HttpResponse:
    """The list alone, as HTML: the page's script puts it in the place of the old one."""
    shop = _shop(request, VIEW_VERSIONS)
    return render(request, "admin/ml_model/versions.html", versions_for(request.user, shop))


@never_cache
@require_safe
def held_back(request) -> HttpResponse:
    """What to do about a version that was held back, as HTML, for the card of the status."""
    shop = _shop(request)
    context = held_back_for(request.user, shop, training_info(shop))
    return render(request, "admin/ml_model/held_back.html", context)


@require_POST
def activate(request) -> HttpResponse:
    """Let the version whose button was pressed serve."""
    shop = _shop(request, VIEW_VERSIONS, CHOOSE_VERSION)
    version = get_object_or_404(
        ModelVersion.objects.select_related("run", "shop"), shop=shop, number=_number(request)
    )
    try:
        changed = activate_version(version)
        does = "serves" if changed else "serves already"
        text, status = f"Version {version.number} {does}. {_how_long(shop)}", 200
    except (ModelFileDamaged, BackboneMissing) as error:
        text, status = f"Nothing was changed. {error}", 409
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"message": text}, status=status)
    (messages.success if status == 200 else messages.error)(request, text)
    return redirect(f"{reverse('admin:ml_model')}?shop={shop.slug}#ml-versions")


def _number(request) -> int:
    """The number of the version that a form names; one that no version has if it is no number."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _how_long(shop: Shop) -> str:
    runs = TrainingRun.objects.filter(shop=shop, status__in=["queued", "training"])
    if going := runs.order_by("-status").first():
        state = "under way" if going.status == TrainingRun.Status.TRAINING else "queued"
        return f"A training is {state}: what it makes takes over when it is done, unless it is worse."
    return "What the next training makes takes over, unless it is worse."


@never_cache
@require_safe
def learned_photos(request, number: int) -> HttpResponse:
    """The photos that a version learned, those that are gone since among them."""
    shop = _shop(request, VIEW_VERSIONS, VIEW_PHOTOS)
    version = get_object_or_404(
        ModelVersion.objects.defer(*ModelVersion.long_fields()), shop=shop, number=min(number, 2**31 - 1)
    )
    rows = learned_by_versions([version])
    page = Paginator(rows, PHOTOS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        **admin.site.each_context(request),
        "title": f"What version {version.number} learned",
        "shop": shop,
        "version": version,
        "page": page,
        "is_known": version.changes is not None,
    }
    return render(request, "admin/ml_model/learned_photos.html", context)
