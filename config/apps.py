"""The project's own admin site as the default one, and the project's commands."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ShelfsightAdminConfig(AdminConfig):
    default_site = "config.site.ShelfsightAdminSite"


class ShelfsightConfig(AppConfig):
    """Lets `manage.py` find what is in config/management."""

    name = "config"
    label = "config"
    verbose_name = "Shelfsight"

    def ready(self):
        from catalog.activity.rows import drop_old
        from ml_training.events import reconciled

        reconciled.connect(lambda **kwargs: drop_old(), weak=False, dispatch_uid="config.activity")
