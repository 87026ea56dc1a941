"""The admin site: Django's own, with a "Settings" section on its index."""

from django.contrib.admin import AdminSite
from django.urls import reverse

from ml_training.permissions import VIEW_TRAINING


class ShelfsightAdminSite(AdminSite):
    site_header = "Shelfsight"
    site_title = "Shelfsight"
    index_title = "Your shop"
    site_url = None

    def get_urls(self):
        from ml_training.web.urls import page_urls

        return [*page_urls(self.admin_view), *super().get_urls()]

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
