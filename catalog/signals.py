"""The news that the catalogue has for other apps, beside the signals of its models."""

from django.dispatch import Signal

# Somebody added photos through a product's form, and all of it is saved.
# Arguments: request (for messages), product, photos (list of ProductImage).
photos_added_in_form = Signal()
