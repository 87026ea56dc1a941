"""Reads the session's cookie from a request that no part of Django has seen yet."""

from django.conf import settings
from django.http.cookie import parse_cookie


def session_key_in(scope) -> str:
    """The key in the session's cookie; empty without one. Whether there is such a session is not asked."""
    lines = [value.decode("latin1") for name, value in scope["headers"] if name.lower() == b"cookie"]
    return parse_cookie("; ".join(lines)).get(settings.SESSION_COOKIE_NAME, "")
