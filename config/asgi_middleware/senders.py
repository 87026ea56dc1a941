"""Looks up who sends a large request, before Django stores any of it."""

from importlib import import_module

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from catalog.access import Access
from config.asgi_middleware.cookies import session_key_in
from ml_training.remote.tokens import CallbackRefused, run_of


async def is_known(scope) -> bool:
    """Whether there is such a session of staff, or such a token: of the API, or a run's."""
    return await database_sync_to_async(_is_known, thread_sensitive=False)(scope)


def _is_known(scope) -> bool:
    header = dict(scope["headers"]).get(b"authorization", b"").decode("latin1")
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer":
        return Access.of_bearer(value.strip()).is_known or _is_run_token(value.strip())
    key = session_key_in(scope)
    if not key:
        return False
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return Access.of_user(get_user(request)).is_known


def _is_run_token(value: str) -> bool:
    try:
        run_of(value, None)
    except CallbackRefused:
        return False
    return True
