"""The sections of Settings > ML Model that say what to do next and how good it is; each loads by itself."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Product, ProductImage, Shop
from catalog.moving import MoveRefused, move_photos
from catalog.permissions import CHANGE_PHOTOS, VIEW_PHOTOS, VIEW_PRODUCTS
from ml_training.advice.charts import shop_charts
from ml_training.advice.shop import shop_advice
from ml_training.web.page import chosen_shop

CATALOGUE = (VIEW_PRODUCTS, VIEW_PHOTOS)  # both sections name products


@never_cache
@require_safe
def advice(request) -> HttpResponse:
    shop = _shop(request)
    return render(request, "admin/ml_model/advice.html", {"shop": shop, "advice": shop_advice(shop)})


@never_cache
@require_safe
def charts(request) -> HttpResponse:
    return render(request, "admin/ml_model/charts.html", {"charts": shop_charts(_shop(request))})


@require_POST
def move_photo(request) -> HttpResponse:
    """Move the photo whose button was pressed to the product that it looks like."""
    shop = _shop(request, CHANGE_PHOTOS)
    try:
        text, status = _move(request, shop), 200
    except MoveRefused as error:
        text, status = f"Nothing was moved. {error}", 409
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"message": text}, status=status)
    (messages.success if status == 200 else messages.error)(request, text)
    return redirect(f"{reverse('admin:ml_model')}?shop={shop.slug}#ml-advice")


def _move(request, shop: Shop) -> str:
    rows = ProductImage.objects.select_related("product")
    photo = rows.filter(pk=_id(request, "photo"), product__shop=shop).first()
    product = Product.objects.filter(pk=_id(request, "product"), shop=shop).first()
    if photo is None or product is None:
        raise MoveRefused("The photo or the product is not there any more.")
    if not move_photos([photo.pk], product):
        return f"{photo} is on {product} already."
    history = admin.site.get_model_admin(Product)
    history.log_change(request, photo.product, f"{photo} moved to {product}.")
    history.log_change(request, product, f"Got 1 photo from {photo.product}.")
    return f"{photo} moved to {product}. The recogniser is learning."


def _id(request, name: str) -> int:
    """The id that a form names; one that no row has if it is no number."""
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _shop(request, *permissions: str) -> Shop:
    shop, _ = chosen_shop(request)
    if not request.user.has_perms((*CATALOGUE, *permissions)):
        raise PermissionDenied
    if shop is None:
        raise Http404("You are not a member of any shop.")
    return shop
