"""Pages for a form that cannot be saved: they give back what was typed, so that nobody enters it twice."""

import re
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.csrf import csrf_failure as plain_refusal

CSRF = "csrfmiddlewaretoken"
SECRET = re.compile("password|csrf|^code$|proof", re.IGNORECASE)
NOT_TYPED = re.compile(
    r"^(_|initial-|action$|select_across$|index$|opened_with$)|-(id|product|position|\w+_FORMS)$"
)


def say_not_saved(request: HttpRequest, error: PermissionDenied | Http404) -> HttpResponse:
    """The answer to a form of somebody who may not save it any more, or whose row has gone."""
    if isinstance(error, PermissionDenied):
        status, why = 403, _("You may not do this, or not any more: nothing was saved.")
    else:
        status, why = 404, _("This is not there any more, or not yours any more: nothing was saved.")
    return _page(request, status, title=_("Nothing was saved"), why=why, typed=_typed(request))


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The answer to a form that was opened before its person logged in again, such as in another tab.

    A page of ours has sent it: its person may send it again, and sees as whom.
    """
    person: Any = getattr(request, "user", None)
    if not (person and person.is_authenticated and _is_from_here(request)):
        return plain_refusal(request, reason)
    fields = [(name, value) for name, values in request.POST.lists() for value in values if name != CSRF]
    told = {
        "title": _("Not saved yet"),
        "why": _("You have logged in again since this page was opened, so it was not saved yet."),
        "again": [] if any(SECRET.search(name) for name, _value in fields) else fields,
        "address": request.get_full_path(),
        "files": bool(request.FILES),
        "typed": _typed(request),
    }
    return _page(request, 403, **told)


def _is_from_here(request: HttpRequest) -> bool:
    """Whether a page of this site has sent a form: browsers tell it, and no page can tell otherwise."""
    return request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    """What a person may want to have back: names as people read them, and what was entered."""
    typed = [(name, values[0]) for name, values in request.POST.lists() if len(values) == 1]
    return [
        (name.replace("_", " "), value)
        for name, value in typed
        if value.strip() and not SECRET.search(name) and not NOT_TYPED.search(name)
    ]


def _page(request: HttpRequest, status: int, **told: Any) -> HttpResponse:
    context = admin.site.each_context(request) | told
    return render(request, "admin/not_saved.html", context, status=status)
