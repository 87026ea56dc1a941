from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "catalog"

    def ready(self):
        from api.errors import TOO_MANY, known_refusals
        from catalog import scopes, signal_handlers
        from catalog.activity import watch
        from catalog.photos import orphans
        from catalog.photos.turns import TooManyPhotos

        signal_handlers.connect()
        watch.connect()
        known_refusals[TooManyPhotos] = TOO_MANY
        orphans.register_owner(orphans.photos_in_use)
        scopes.register_scope(scopes.READ, _("Read products and photos"), scopes.READS_CATALOGUE)
