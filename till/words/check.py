"""What the page that measures a device says, in the reader's language; its script picks by name."""

from django.utils.translation import gettext as _


def check_words() -> dict[str, str]:
    return {
        "secure": _("https that the browser trusts"),
        "simd": _("WebAssembly with SIMD"),
        "camera": _("Camera"),
        "offline": _("Works without a network"),
        "room": _("Storage left"),
        "reader": _("Barcode reader"),
        "memory": _("Memory of the device"),
        "browser": _("Browser"),
        "engine": _("Start of the recognizer"),
        "codes": _("Looking for a barcode in a picture"),
        "speed": _("Recognizing a picture"),
        "yes": _("yes"),
        "no": _("no"),
        "built_in": _("the browser's own"),
        "ours": _("ours"),
        "unknown": _("not measured"),
        "none": "",
        "milliseconds": _("%(count)s ms"),
        "not_secure": _(
            "Without https there is no camera and nothing works offline; photos chosen by file do."
        ),
        "no_simd": _("Update the browser: this one cannot run the recognizer."),
        "no_camera": _("Photos chosen by file and hand scanners work."),
        "not_offline": _("The page works only while there is a network."),
        "no_room": _("Free some storage: the model needs about 40 MB."),
        "no_memory": _("Close other apps if the page is slow or restarts."),
        "no_engine": _("Update the browser, or try another one. Its words are in this table."),
        "no_model": _("Open the till with its code or log in first, then measure again."),
        "slow": _("It works, but a clerk has to wait for each answer."),
        "can": _("Yes. Everything that a till needs works here."),
        "can_with_limits": _("Yes, with limits: see the lines marked with a cross."),
        "cannot": _("No. The recognizer does not run here: see the lines marked with a cross."),
        "engine_broken": _("The recognizer stopped."),
        "not_started": _("The recognizer did not start within ten seconds."),
        "engine_unusable": _(
            "This device cannot open the model. Reload the page; if that does not help, update the browser."
        ),
        "engine_closed": _("The recognizer was closed."),
        "file_damaged": _("A file of the model arrived damaged. Try again."),
    }
