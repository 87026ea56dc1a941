"""The admin site: Django's own, with a "Settings" section on its index."""

from functools import wraps

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.urls import reverse
from django.utils.translation import gettext as _

from ml_training.permissions import VIEW_TRAINING


class ShelfsightAdminSite(AdminSite):
    site_header = "Shelfsight"
    site_title = "Shelfsight"
    index_title = "Your shop"
    site_url = None

    def get_urls(self):
        from ml_training.web.urls import page_urls

        return [*page_urls(self.admin_view), *super().get_urls()]

    def admin_view(self, view, cacheable=False):
        """Tell whoever sent a form after their session had ended that nothing was saved."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def telling(request, *args, **kwargs):
            if request.method == "POST" and request.user.is_anonymous:
                text = _(
                    "You were logged out before this was sent: nothing was saved. Log in, and enter it again."
                )
                messages.warning(request, text)
            return guarded(request, *args, **kwargs)

        return telling

    def get_app_list(self, request, app_label=None):
        """Add the Settings section; a user who may see no shop's training does not get it."""
        apps = super().get_app_list(request, app_label)
        if app_label is None and request.user.has_perm(VIEW_TRAINING):
            url = reverse("admin:ml_model")
            page = {
                "name": "ML Model",
                "object_name": "MLModel",
                "admin_url": url,
                "add_url": None,
                "view_only": True,
                "perms": {"view": True},
            }
            settings_app = {
                "name": "Settings",
                "app_label": "settings",
                "app_url": url,
                "has_module_perms": True,
                "models": [page],
            }
            apps = [settings_app, *apps]
        return apps
