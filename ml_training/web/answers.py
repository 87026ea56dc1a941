"""What the views of Settings > ML Model share: which shop is asked for, and how a button answers."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from catalog.models import Shop
from ml_training.permissions import VIEW_TRAINING


def chosen_shop(request: HttpRequest) -> tuple[Shop | None, list[Shop]]:
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


def shop_for(request: HttpRequest, *permissions: str) -> Shop:
    """The chosen shop, for whoever has some permissions.

    Raises:
        Http404, PermissionDenied: as `chosen_shop`; also where there is no shop, or a permission is missing.
    """
    shop, _ = chosen_shop(request)
    if not request.user.has_perms(permissions):
        raise PermissionDenied
    if shop is None:
        raise Http404("You are not a member of any shop.")
    return shop


def button(view: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Make a view for a button of the page: what is sent by POST.

    Whoever had to log in after the press comes here by GET: back to the page then, with a word that nothing
    was done.
    """

    @wraps(view)
    def pressed(request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST":
            return view(request)
        shop = shop_for(request)
        return answer(
            request,
            shop,
            "Nothing was done: you had to log in first. Press the button again.",
            messages.WARNING,
        )

    return pressed


def answer(
    request: HttpRequest, shop: Shop, text: str, level: int = messages.SUCCESS, place: str = ""
) -> HttpResponseBase:
    """Say what a button did: to a script as JSON, to a browser as a message on the page.

    Args:
        level: of the message; `messages.ERROR` says that nothing was done.
        place: where on the page to come back to, such as "#ml-versions".
    """
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"message": text}, status=409 if level == messages.ERROR else 200)
    messages.add_message(request, level, text)
    return redirect(f"{reverse('admin:ml_model')}?shop={shop.slug}{place}")


def number_in(request: HttpRequest, name: str) -> int:
    """The number that a form sends under a name; 0, which no row has, if it is none that a row may have."""
    text = request.POST.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
