"""The admin site: Django's own, with a "Settings" section on its index."""

from django.contrib.admin import AdminSite
from django.urls import path, reverse

from ml_training.permissions import VIEW_TRAINING


class ShelfsightAdminSite(AdminSite):
    site_header = "Shelfsight"
    site_title = "Shelfsight"
    index_title = "Your shop"
    site_url = None

    def get_urls(self):
        from ml_training.web import advice as advice_page
        from ml_training.web import page
        from ml_training.web import versions as version_views
        from ml_training.web.deep import cancel_deep

        return [
            path("settings/ml-model/", self.admin_view(page.ml_model_page), name="ml_model"),
            path(
                "settings/ml-model/status.json", self.admin_view(page.ml_model_status), name="ml_model_status"
            ),
            path("settings/ml-model/advice/", self.admin_view(advice_page.advice), name="ml_model_advice"),
            path(
                "settings/ml-model/advice/move/",
                self.admin_view(advice_page.move_photo),
                name="ml_model_move_photo",
            ),
            path("settings/ml-model/charts/", self.admin_view(advice_page.charts), name="ml_model_charts"),
            path("settings/ml-model/prepare/", self.admin_view(page.prepare), name="ml_model_prepare"),
            path(
                "settings/ml-model/versions/",
                self.admin_view(version_views.versions),
                name="ml_model_versions",
            ),
            path(
                "settings/ml-model/held-back/",
                self.admin_view(version_views.held_back),
                name="ml_model_held_back",
            ),
            path(
                "settings/ml-model/versions/activate/",
                self.admin_view(version_views.activate),
                name="ml_model_activate",
            ),
            path(
                "settings/ml-model/versions/<int:number>/photos/",
                self.admin_view(version_views.learned_photos),
                name="ml_model_learned_photos",
            ),
            path("settings/ml-model/cancel-deep/", self.admin_view(cancel_deep), name="ml_model_cancel_deep"),
            *super().get_urls(),
        ]

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
