"""Opens the till's addresses to devices with their token, and to staff with their session.

Unlike the pages of the admin, they never lead to a login page: a script asks, and it needs to know.
"""

from collections.abc import Callable
from functools import wraps

from django.http import HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from api.errors import FORBIDDEN, NOT_FOUND, SHOP_REQUIRED, ApiError, public_error
from api.view import CsrfCheck
from catalog.access import Access, AccessRequest, refusal
from catalog.models import Shop, ShopQuerySet
from ml_training.permissions import RECOGNIZE_PRODUCT
from till.permissions import TILL


class TillRequest(AccessRequest):
    """A request as a view behind `till_required` gets it."""

    shops: ShopQuerySet  # that the caller sees, or the one that `?shop=slug` says


def till_required(view):
    """Hand over `request.access` and `request.shops`; refuse others with a sentence as JSON.

    An `ApiError` that the view raises is answered likewise. A session needs Django's CSRF token to change
    something; a browser never sends a bearer token by itself.
    """

    @wraps(view)
    def guarded(request: TillRequest, *args, **kwargs) -> HttpResponseBase:
        try:
            request.access = Access.of(request)
            request.access.require(RECOGNIZE_PRODUCT, TILL)
            _check_csrf(request, view)
            request.shops = _shops_of(request)
            return view(request, *args, **kwargs)
        except ApiError as error:
            return _refuse(request, error)

    return csrf_exempt(guarded)


def shop_of(request: TillRequest) -> Shop:
    """The shop that a request works in: the only one that the caller sees, or the one that was said.

    Raises:
        ApiError: (SHOP_REQUIRED) there are several, and none was said; (NOT_FOUND) there is none.
    """
    found = list(request.shops.select_related("till_settings")[:2])
    if not found:
        raise ApiError("You are not a member of any shop.", NOT_FOUND)
    if len(found) > 1:
        raise ApiError("You see several shops: choose one.", SHOP_REQUIRED)
    return found[0]


def _shops_of(request: TillRequest) -> ShopQuerySet:
    shops, slug = request.access.shops(), request.GET.get("shop")
    if not slug:
        return shops
    said = shops.filter(slug=slug)
    if "\0" in slug or not said.exists():  # PostgreSQL cannot even be asked for a NUL
        raise ApiError("There is no such shop, or you may not see it.", NOT_FOUND)
    return said


def _check_csrf(request: TillRequest, view: Callable[..., HttpResponseBase]) -> None:
    if request.access.bearer:
        return
    check = CsrfCheck(view)
    check.process_request(request)
    if reason := check.process_view(request, view, (), {}):
        raise ApiError(f"Send the CSRF token as X-CSRFToken. {reason}", FORBIDDEN)


def _refuse(request: TillRequest, error: ApiError) -> JsonResponse:
    if error.code != SHOP_REQUIRED:
        return refusal(error)
    shops = [{"slug": shop.slug, "name": shop.name} for shop in request.shops]
    return JsonResponse({"errors": [public_error(error)], "shops": shops}, status=400)
