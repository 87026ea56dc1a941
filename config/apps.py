"""The project's own admin site as the default one, and the project's commands."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.backends.signals import connection_created


class ShelfsightAdminConfig(AdminConfig):
    default_site = "config.site.ShelfsightAdminSite"


class ShelfsightConfig(AppConfig):
    """Lets `manage.py` find what is in config/management."""

    name = "config"
    label = "config"
    verbose_name = "Shelfsight"

    def ready(self):
        from api.errors import explainers
        from catalog.activity.rows import drop_old
        from config.bad_weather import limit_waiting, tell
        from config.reserve import keep_reserve
        from ml_training.events import reconciled

        reconciled.connect(lambda **kwargs: drop_old(), weak=False, dispatch_uid="config.activity")
        reconciled.connect(lambda **kwargs: keep_reserve(), weak=False, dispatch_uid="config.reserve")
        explainers.append(tell)
        connection_created.connect(limit_waiting, dispatch_uid="config.limit_waiting")
