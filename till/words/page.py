"""What the page of the till says, in the reader's language; its scripts pick by name and fill in the rest."""

from django.utils.translation import gettext as _


def page_words() -> dict[str, str]:
    return {
        "not_started": _(
            "The page did not start. Check the network and reload it. If it still does not start, use a"
            " newer browser."
        ),
        "engine_broken": _(
            "Recognising stopped. Reload the page; search and barcodes by hand scanner still work."
        ),
        "engine_unusable": _(
            "This device cannot open the model. Reload the page; if that does not help, update the browser."
        ),
        "engine_closed": _("Recognising has ended."),
        "file_damaged": _("A file of the model arrived damaged. The till tries again by itself."),
        "file_unreadable": _("%(name)s cannot be read as a photo. Choose a JPEG, PNG or WebP."),
        "model_missing": _("The model could not be loaded. The till tries again by itself; search works."),
        "no_model_yet": _(
            "Nothing can be recognised yet: the model is not on this device. Search for the product."
        ),
        "not_allowed": _("You may not use the till. Ask your administrator for the permission."),
        "revoked": _(
            "This device is not a till any more. Everything of the shop was removed from it. To use it "
            "again, ask for a new QR code."
        ),
        "logged_out_kept": _(
            "You were logged out. Log in again: your slip, and what was not sent yet, are kept for you."
        ),
        "logged_out": _("Log in to use the till, or scan the QR code of a till."),
        "camera_starting": _(
            "Allow the camera. Its pictures stay on this device; one goes to your shop only when you "
            "tap which product it is."
        ),
        "camera_refused": _(
            "The camera is blocked. Allow it in the browser's settings for this site, then try again. "
            "You can also choose a photo."
        ),
        "camera_none": _("No camera was found. Choose a photo, search, or scan a barcode."),
        "camera_gone": _("The camera was disconnected. Connect it and try again."),
        "camera_busy": _(
            "The camera cannot be opened: another app may be using it. Close that app and try again."
        ),
        "camera_insecure": _("The camera needs https. Choose a photo, search, or scan a barcode."),
        "camera_black": _("The camera shows only black. Uncover it and try again."),
        "hint_hold": _("Hold a product here"),
        "hint_looking": _("Looking …"),
        "hint_added": _("%(name)s is on the slip"),
        "back": _("Back to the camera"),
        "close": _("Close"),
        "tap_to_add": _("Tap to add"),
        "on_slip": _("Added to the slip"),
        "no_price": _("No price"),
        "price_a_kilogram": _("%(price)s / kg"),
        "price_each": _("%(price)s each"),
        "not_this": _("Not this? Tap the right one:"),
        "which_one": _("Which one is it?"),
        "is_it_this": _("Is it this?"),
        "unknown": _("Not sure I know this. Is it one of these?"),
        "nothing_known": _("No products to choose from. Search for it."),
        "all_products": _("All products, most likely first"),
        "code_and_picture_differ": _("The barcode says this, but it looks like %(name)s. Tap to exchange:"),
        "choices_one": _("%(count)s product to choose."),
        "choices_many": _("%(count)s products to choose from."),
        "live_named": _("%(name)s, %(price)s. Press Enter to add."),
        "live_added": _("%(name)s, %(price)s, added to the slip."),
        "added": _("%(name)s is on the slip."),
        "code_unknown": _("No product has this barcode:"),
        "code_of": _("Barcode"),
        "found_one": _("%(count)s product found"),
        "found_many": _("%(count)s products found"),
        "found_none": _("No product found. Check the spelling, or type the number below the barcode."),
        "lines_one": _("%(count)s item"),
        "lines_many": _("%(count)s items"),
        "lines_open_one": _("%(count)s item has no weight or price yet"),
        "lines_open_many": _("%(count)s items have no weight or price yet"),
        "pieces": _("pc."),
        "kg": _("kg"),
        "pieces_of": _("Pieces of %(name)s"),
        "weight_of": _("Weight of %(name)s in kilograms"),
        "pieces_wrong": _("Type a whole number of pieces, such as 3."),
        "weight_wrong": _("Type the weight in kilograms, such as 0.450."),
        "remove": _("Remove %(name)s"),
        "version": _("Model version %(number)s"),
        "fetching": _("Getting ready: %(read)s of %(total)s MB. Search works already."),
    }
