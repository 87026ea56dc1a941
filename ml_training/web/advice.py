"""The button that moves a photo on the wrong product to the one that it looks like."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase

from catalog.models import Product, ProductImage, Shop
from catalog.moving import MoveRefused, move_photos
from catalog.permissions import CHANGE_PHOTOS
from ml_training.web.answers import answer, button, number_in, shop_for
from ml_training.web.sections import CATALOGUE


@button
def move_photo(request: HttpRequest) -> HttpResponseBase:
    """Move the photo whose button was pressed to the product that it looks like."""
    shop = shop_for(request, *CATALOGUE, CHANGE_PHOTOS)
    try:
        text, level = _move(request, shop), messages.SUCCESS
    except MoveRefused as error:
        text, level = f"Nothing was moved. {error}", messages.ERROR
    return answer(request, shop, text, level, "#ml-advice")


def _move(request: HttpRequest, shop: Shop) -> str:
    rows = ProductImage.objects.select_related("product")
    photo = rows.filter(pk=number_in(request, "photo"), product__shop=shop).first()
    product = Product.objects.filter(pk=number_in(request, "product"), shop=shop).first()
    if photo is None or product is None:
        raise MoveRefused("The photo or the product is not there any more.")
    if not move_photos([photo.pk], product):
        return f"{photo} is on {product} already."
    history = admin.site.get_model_admin(Product)
    history.log_change(request, photo.product, f"{photo} moved to {product}.")
    history.log_change(request, product, f"Got 1 photo from {photo.product}.")
    return f"{photo} moved to {product}. The recogniser is learning."
