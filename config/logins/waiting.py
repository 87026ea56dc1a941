"""Remembers in the session who gave the right password and has yet to show a code, or to set one up."""

import time

from django.contrib.auth import SESSION_KEY, login
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from config.logins.backends import BY_CODE

WAITING = "login_waiting"
SECONDS = 15 * 60


def begin(request: HttpRequest, user: User) -> None:
    """Remember who it is; whoever was logged in with this browser is not any more."""
    if SESSION_KEY in request.session:
        request.session.flush()
    else:
        request.session.cycle_key()
    proof = user.get_session_auth_hash()
    request.session[WAITING] = {"user": user.pk, "proof": proof, "since": time.time()}


def who(request: HttpRequest) -> User | None:
    """The person who gave the password a short while ago, unless it or a right was changed since."""
    told = request.session.get(WAITING)
    if not told or not 0 <= time.time() - told["since"] < SECONDS:
        return None
    user = User.objects.filter(pk=told["user"], is_active=True, is_staff=True).first()
    if user is None or not constant_time_compare(told["proof"], user.get_session_auth_hash()):
        return None
    return user


def finish(request: HttpRequest, user: User) -> None:
    """Log the person in, who has shown a code."""
    request.session.pop(WAITING, None)
    login(request, user, backend=BY_CODE)
