"""Who may use a till, and who may look after what tills send."""

from django.utils.translation import gettext_lazy as _

from catalog.permissions import VIEW_PRODUCTS
from catalog.scopes import register_scope
from ml_training.permissions import RECOGNIZE_PRODUCT

TILL = "till"


def register_scopes() -> None:
    """Say what the token of a till may do: nothing but what its page needs."""
    register_scope(
        TILL, _("Be a till: recognise products, and send corrections"), {RECOGNIZE_PRODUCT, VIEW_PRODUCTS}
    )
