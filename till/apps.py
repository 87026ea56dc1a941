from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TillConfig(AppConfig):
    name = "till"
    verbose_name = _("Tills")

    def ready(self):
        from catalog.photos.orphans import register_owner
        from till import permissions, signal_handlers
        from till.photos import photos_in_use

        register_owner(photos_in_use)
        permissions.register_scopes()
        signal_handlers.connect()
