from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "catalog"

    def ready(self):
        from catalog import scopes, signal_handlers

        signal_handlers.connect()
        scopes.register_scope(scopes.READ, _("Read products and photos"), scopes.READS_CATALOGUE)
