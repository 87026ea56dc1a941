"""Opens the till's addresses to devices with their token, and to staff with their session.

Unlike the pages of the admin, they never lead to a login page: a script asks, and it needs to know.
"""

from functools import wraps

from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from api.errors import NOT_FOUND, SHOP_REQUIRED, ApiError, public_error
from catalog.access import Access, AccessRequest, refusal
from catalog.models import Shop
from ml_training.permissions import RECOGNIZE_PRODUCT
from till.permissions import TILL


class TillRequest(AccessRequest):
    """A request as a view behind `till_required` gets it."""

    shop: Shop


def till_required(view):
    """Hand over `request.access` and `request.shop`; refuse others with a sentence as JSON.

    Who sees several shops says which: `?shop=slug`. A session needs Django's CSRF token to change something;
    a browser never sends a bearer token by itself.
    """

    @wraps(view)
    def guarded(request: TillRequest, *args, **kwargs):
        request.access = Access.of(request)
        try:
            request.access.require(RECOGNIZE_PRODUCT, TILL)
            request.shop = _shop_of(request)
        except ApiError as error:
            return _refuse(request, error)
        asked = view if request.access.bearer else csrf_protect(view)
        return asked(request, *args, **kwargs)

    return csrf_exempt(guarded)


def _shop_of(request: TillRequest) -> Shop:
    if not (slug := request.GET.get("shop")):
        return request.access.shop()
    shop = request.access.shops().filter(slug=slug).first()
    if shop is None:
        raise ApiError("There is no such shop, or you may not see it.", NOT_FOUND)
    return shop


def _refuse(request: TillRequest, error: ApiError) -> JsonResponse:
    if error.code != SHOP_REQUIRED:
        return refusal(error)
    shops = [{"slug": shop.slug, "name": shop.name} for shop in request.access.shops()]
    told = ApiError("You see several shops: choose one.", SHOP_REQUIRED)
    return JsonResponse({"errors": [public_error(told)], "shops": shops}, status=400)
