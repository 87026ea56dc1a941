"""The page "Two-step login": a person sets up a second factor, gets new recovery codes, or switches it off.

It is open to whoever is logged in, and to whoever gave the right password and must set it up first.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import BACKEND_SESSION_KEY, logout
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.contrib.auth.views import RedirectURLMixin
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from config.logins import second_factor, waiting
from config.logins.backends import BY_CODE, BY_PASSWORD
from config.logins.forms import ProofForm, SetUpForm, too_many_tries
from config.logins.throttle import forgive, take_try
from config.logins.views import back_to_login, say_wait

KEY = "two_step_key"  # in the session: of an app that has not shown a code yet


@dataclass
class Person:
    user: User
    is_waiting: bool  # has given the password and is not logged in


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class TwoStep(RedirectURLMixin, View):
    """One page, whose forms say in `act` what they want."""

    next_page = "admin:index"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any):
        if admin.site.has_permission(request):
            self.person = Person(request.user, is_waiting=False)  # type: ignore[arg-type]
        elif user := waiting.who(request):
            self.person = Person(user, is_waiting=True)
        else:
            return back_to_login(request.get_full_path())
        self.is_on = second_factor.has_second_factor(self.person.user)
        if self.person.is_waiting and self.is_on:
            return HttpResponseRedirect(f"{reverse('admin:login_code')}?{request.GET.urlencode()}")
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show()

    def post(self, request: HttpRequest) -> HttpResponse:
        if not self.is_on:
            return self._set_up()
        act = {"renew": self._renew, "off": self._switch_off}.get(request.POST.get("act", ""))
        form = ProofForm(request.POST)
        if act is None or not form.is_valid():
            return self._show(form)
        if problem := problem_with_proof(request, self.person.user, form.cleaned_data["proof"]):
            form.add_error("proof", problem)
            return say_wait(request, self._show(form))
        return act()

    def _set_up(self) -> HttpResponse:
        user, request = self.person.user, self.request
        form = SetUpForm(request.POST, has_just_given_password=self.person.is_waiting)
        if not form.is_valid():
            return self._show(form)
        password = form.cleaned_data.get("password")
        if password is not None and (problem := problem_with_proof(request, user, password)):
            form.add_error("password", problem)
            return say_wait(request, self._show(form))
        codes = second_factor.set_up(user, self._key(), form.cleaned_data["code"])
        if not codes:
            form.add_error("code", _("This code is not right. Wait for the next one and enter that."))
            return self._show(form)
        del request.session[KEY]
        if self.person.is_waiting:
            waiting.finish(request, user)
        else:
            self._keep_session(BY_CODE)
        second_factor.end_sessions(user, but=request.session.session_key)
        return self._show_codes(codes)

    def _renew(self) -> HttpResponse:
        return self._show_codes(second_factor.renew_recovery_codes(self.person.user))

    def _switch_off(self) -> HttpResponse:
        user, request = self.person.user, self.request
        if settings.SECOND_FACTOR:
            logout(request)
            second_factor.remove(user, by_self=True)
            waiting.begin(request, user)
        else:
            self._keep_session(BY_PASSWORD)
            second_factor.remove(user, but=request.session.session_key)
            messages.success(request, _("Two-step login is off. The password alone is asked for now."))
        return HttpResponseRedirect(reverse("admin:two_step"))

    def _keep_session(self, backend: str) -> None:
        """Go on in this session, under a new key, as if it had begun this way."""
        self.request.session.cycle_key()
        self.request.session[BACKEND_SESSION_KEY] = backend
        self.request.session.save()

    def _key(self) -> str:
        return self.request.session.setdefault(KEY, second_factor.new_key())

    def _show(self, form: Form | None = None) -> HttpResponse:
        user = self.person.user
        if self.is_on:
            return self._page(form=form or ProofForm(), left=second_factor.recovery_codes_left(user))
        key = self._key()
        fresh = SetUpForm(has_just_given_password=self.person.is_waiting)
        picture = second_factor.qr_code(user, key)
        return self._page(form=form or fresh, key=second_factor.key_in_words(key), picture=picture)

    def _show_codes(self, codes: list[str]) -> HttpResponse:
        self.is_on = True
        return self._page(codes=codes, then=self.get_success_url())

    def _page(self, **told: Any) -> HttpResponse:
        told |= {"title": _("Two-step login"), "is_on": self.is_on, "person": self.person}
        told |= {"is_required": settings.SECOND_FACTOR}
        return render(self.request, "admin/two_step.html", admin.site.each_context(self.request) | told)


def problem_with_proof(request: HttpRequest, user: User, proof: str) -> str:
    """Look at a password or code of somebody who is logged in, as at a login: a thief may guess.

    Returns:
        What to say; empty if it is right.
    """
    name = user.get_username()
    if wait := take_try(request, name):
        return too_many_tries(wait)
    if user.check_password(proof) or second_factor.is_right_code(user, proof):
        forgive(request, name)
        return ""
    user_login_failed.send(sender=__name__, credentials={"username": name}, request=request)
    return _("This is not right. Nothing was changed.")
