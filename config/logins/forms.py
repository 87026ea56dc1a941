"""The forms of a login: name and password, then a code where the person has set that up."""

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.logins.throttle import waiting_time

CODE_LENGTH = 40  # with the spaces that people type
SHOWN_IN_HOURS = 120  # minutes, beyond which nobody counts in minutes


def too_many_tries(seconds: int) -> str:
    """What is said to whoever must wait: for how long, and that it ends by itself."""
    minutes = -(-seconds // 60)
    if minutes > SHOWN_IN_HOURS:
        return _("Too many tries. Wait %(hours)d hours, then try again.") % {"hours": -(-minutes // 60)}
    text = ngettext(
        "Too many tries. Wait %(minutes)d minute, then try again.",
        "Too many tries. Wait %(minutes)d minutes, then try again.",
        minutes,
    )
    return text % {"minutes": minutes}


class LoginForm(AdminAuthenticationForm):
    """Django's own, which says so when a name has been tried too often from one address."""

    request: HttpRequest

    def get_invalid_login_error(self) -> ValidationError:
        if wait := waiting_time(self.request):
            return ValidationError(too_many_tries(wait), code="too_many_tries")
        return super().get_invalid_login_error()


def code_field(label) -> forms.CharField:
    attributes = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
    return forms.CharField(label=label, max_length=CODE_LENGTH, widget=forms.TextInput(attrs=attributes))


def password_field(label) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})
    return forms.CharField(label=label, strip=False, widget=widget)


class CodeForm(forms.Form):
    """The second step of a login."""

    code = code_field(_("Code"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["autofocus"] = True


class SetUpForm(forms.Form):
    """The first code of an app; whoever is logged in already also shows that it is they."""

    code = code_field(_("Code that the app shows"))
    password = password_field(_("Your password"))

    def __init__(self, *args, has_just_given_password: bool, **kwargs):
        super().__init__(*args, **kwargs)
        if has_just_given_password:
            del self.fields["password"]


class ProofForm(forms.Form):
    """What a person shows before their second factor is changed."""

    proof = password_field(_("Your password, or a code"))
