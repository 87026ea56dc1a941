"""The admin site: Django's own, whose menu begins with the till and has a "Settings" section."""

from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from catalog.permissions import VIEW_ACTIVITY
from config.second_try import tried_again
from config.typed import say_not_saved
from ml_training.permissions import RECOGNIZE_PRODUCT, VIEW_TRAINING

SETTINGS_PAGES = [
    (VIEW_TRAINING, "ML Model", "MLModel", "ml_model"),
    (VIEW_ACTIVITY, _lazy("Activity"), "Activity", "activity"),
]
FIRST = ("till", "catalog", "settings")  # sections of the menu, by label of the app; others follow


class ShelfsightAdminSite(AdminSite):
    site_header = "Shelfsight"
    site_title = "Shelfsight"
    index_title = "Your shop"
    site_url = None

    def get_urls(self):
        from catalog.activity.page import activity_page
        from config.logins.two_step import TwoStep
        from config.logins.views import LoginCode
        from ml_training.web.urls import page_urls

        login_urls = [
            path("login/code/", LoginCode.as_view(), name="login_code"),
            path("two-step/", TwoStep.as_view(), name="two_step"),
        ]
        activity = path("settings/activity/", self.admin_view(activity_page), name="activity")
        return [*login_urls, *page_urls(self.admin_view), activity, *super().get_urls()]

    def login(self, request, extra_context=None):
        """As Django's, with the second step and our own answer to too many tries."""
        from config.logins.views import Login

        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        context = {
            **self.each_context(request),
            "title": _("Log in"),
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            **(extra_context or {}),
        }
        request.current_app = self.name
        return Login.as_view(extra_context=context, next_page="admin:index")(request)

    def password_change(self, request, extra_context=None):
        """As Django's; the old password is looked at no more often than at a login: a thief may guess.

        The password is changed together with the row that tells it, or not at all.
        """
        from config.logins.two_step import problem_with_proof

        old = request.POST.get("old_password", "")
        if request.method == "POST" and (problem := problem_with_proof(request, request.user, old)):
            messages.error(request, problem)
            return HttpResponseRedirect(reverse("admin:password_change", current_app=self.name))
        with transaction.atomic():
            return super().password_change(request, extra_context)

    def admin_view(self, view, cacheable=False):
        """Let nobody lose what they typed: a form that meets another is tried again, and refusals say it."""
        guarded = tried_again(super().admin_view(view, cacheable))

        @wraps(guarded)
        def telling(request, *args, **kwargs):
            if request.method == "POST" and request.user.is_anonymous:
                text = _(
                    "You were logged out before this was sent: nothing was saved. Log in, and enter it again."
                )
                messages.warning(request, text)
            try:
                return guarded(request, *args, **kwargs)
            except (PermissionDenied, Http404) as error:
                if request.method != "POST" or not self.has_permission(request):
                    raise
                return say_not_saved(request, error)

        return telling

    def get_app_list(self, request, app_label=None):
        """Add the till and the Settings section; a user who may do neither gets none of them."""
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        if request.user.has_perm(RECOGNIZE_PRODUCT):
            apps = _with_till(apps)
        pages = [
            _page(str(name), object_name, reverse(f"admin:{address}"))
            for permission, name, object_name, address in SETTINGS_PAGES
            if request.user.has_perm(permission)
        ]
        if pages:
            apps = [*apps, _section("Settings", "settings", pages)]
        return sorted(apps, key=_place)


def _place(app: dict[str, Any]) -> int:
    label = app["app_label"]
    return FIRST.index(label) if label in FIRST else len(FIRST)


def _with_till(apps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the page where products are recognised before the tables of the tills."""
    # With a "#", since the menu marks what the address of a page contains, and /admin/till/ contains /till/.
    page = _page(_("Recognize"), "Recognize", reverse("till") + "#")
    tables = next((app for app in apps if app["app_label"] == "till"), None)
    if tables is None:
        return [_section(_("Tills"), "till", [page]), *apps]
    tables["models"].insert(0, page)
    return apps


def _section(name: str, label: str, pages: list[dict[str, Any]]) -> dict[str, Any]:
    url = pages[0]["admin_url"]
    return {"name": name, "app_label": label, "app_url": url, "has_module_perms": True, "models": pages}


def _page(name: str, object_name: str, url: str) -> dict[str, Any]:
    return {
        "name": name,
        "object_name": object_name,
        "admin_url": url,
        "add_url": None,
        "view_only": True,
        "perms": {"view": True},
    }
