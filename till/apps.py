from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TillConfig(AppConfig):
    name = "till"
    verbose_name = _("Tills")

    def ready(self):
        from till import permissions, signal_handlers

        permissions.register_scopes()
        signal_handlers.connect()
