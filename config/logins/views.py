"""The two steps of a login. The second one is asked for only of those who have set it up, or who must."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.edit import FormView

from config.logins import waiting
from config.logins.forms import CodeForm, LoginForm, too_many_tries
from config.logins.second_factor import has_second_factor, is_right_code
from config.logins.throttle import CODES, take_try, waiting_time

TOO_MANY = 429


class Login(LoginView):
    """Name and password."""

    authentication_form = LoginForm
    template_name = "admin/login.html"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        has_one = has_second_factor(user)
        if not has_one and not settings.SECOND_FACTOR:
            login(self.request, user)
            return HttpResponseRedirect(self.get_success_url())
        waiting.begin(self.request, user)
        step = reverse("admin:login_code" if has_one else "admin:two_step")
        return HttpResponseRedirect(f"{step}?{urlencode({'next': self.get_success_url()})}")

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        return say_wait(self.request, super().form_invalid(form))


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class LoginCode(RedirectURLMixin, FormView):
    """A code, of whoever has given the right password a moment ago."""

    form_class = CodeForm
    template_name = "admin/login_code.html"
    next_page = "admin:index"
    person: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any):
        person = waiting.who(request)
        if person is None or not has_second_factor(person):
            return back_to_login(self.get_success_url())
        self.person = person
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        if problem := problem_with_code(self.request, self.person, form.cleaned_data["code"]):
            return self._again(form, problem)
        waiting.finish(self.request, self.person)
        return HttpResponseRedirect(self.get_success_url())

    def _again(self, form: Form, problem: str) -> HttpResponse:
        form.add_error("code", problem)
        return say_wait(self.request, self.form_invalid(form))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        told = {"title": _("Enter your code"), "next": self.get_redirect_url()}
        return super().get_context_data(**kwargs) | admin.site.each_context(self.request) | told


def problem_with_code(request: HttpRequest, user: User, code: str) -> str:
    """Look at a code as at a password: counted, logged, and not at all after too many.

    Returns:
        What to say; empty if the code is right, and then it is right no second time.
    """
    wait = take_try(request, user.get_username(), is_code=True)
    if not wait and is_right_code(user, code):
        return ""
    told = {"username": user.get_username(), "step": CODES}
    user_login_failed.send(sender=__name__, credentials=told, request=request)
    if wait:
        return too_many_tries(wait)
    return _("This code is not right, or was used already. Wait for the next one and enter that.")


def say_wait(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Answer 429 where the sentence on the page says to wait."""
    if wait := waiting_time(request):
        response.status_code = TOO_MANY
        response["Retry-After"] = str(wait)
    return response


def back_to_login(then: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('admin:login')}?{urlencode({'next': then})}")
