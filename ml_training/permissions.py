"""Who may do what with training: Django's permissions for people, scopes for programs."""

from django.utils.translation import gettext_lazy as _

from catalog.permissions import VIEW_PRODUCTS
from catalog.scopes import READ, READS_CATALOGUE, register_scope

VIEW_TRAINING = "ml_training.view_trainingrun"
PREPARE_TRAINING = "ml_training.prepare_training"
RECOGNIZE_PRODUCT = "ml_training.recognize_product"
VIEW_VERSIONS = "ml_training.view_modelversion"
CHOOSE_VERSION = "ml_training.change_modelversion"
ADD_VERSION = "ml_training.add_modelversion"

RECOGNIZE = "recognize"
TRAIN = "train"


def register_scopes() -> None:
    """Say what tokens may do here; to be called once, after the catalogue's own."""
    to_read = {VIEW_TRAINING, VIEW_VERSIONS}
    to_train = {PREPARE_TRAINING, CHOOSE_VERSION, ADD_VERSION}
    register_scope(READ, _("Read products, photos, training status and models"), to_read)
    register_scope(RECOGNIZE, _("Recognise products on photos"), {VIEW_PRODUCTS})
    register_scope(
        TRAIN,
        _("Prepare training data, and choose or bring the model that serves"),
        READS_CATALOGUE | to_read | to_train,
    )
