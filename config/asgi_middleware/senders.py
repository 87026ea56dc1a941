"""Looks up who sends a request, before Django stores any of it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from catalog.access import Access
from config.asgi_middleware.cookies import session_key_in
from ml_training.remote.tokens import CallbackRefused, run_of

NOBODY = "nobody"


@dataclass(frozen=True)
class Sender:
    """A member of staff, a token of the API that holds, that of a run, or nobody.

    `name` is one for each person, whatever sessions they have, and one for each token.
    """

    name: str
    access: Access | None = None
    has_run: bool = False

    @property
    def is_known(self) -> bool:
        return self.has_run or bool(self.access and self.access.is_known)

    def may(self, permission: str, *scopes: str) -> bool:
        """Whether a person has the permission, or a token one of the scopes."""
        if self.access is None:
            return False
        if self.access.grant is not None:
            return bool(self.access.grant.scopes & set(scopes))
        return self.access.user.has_perm(permission)


def lookup(scope) -> Callable[[], Sender]:
    """A function that looks up who sends a request, once: most requests need not be asked."""
    return cache(lambda: _find(scope))


def _find(scope) -> Sender:
    header = dict(scope["headers"]).get(b"authorization", b"").decode("latin1")
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer" and value.strip():
        return _of_bearer(value.strip())
    key = session_key_in(scope)
    if not key:
        return Sender(NOBODY)
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    access = Access.of_user(get_user(request))
    return Sender(f"person {access.user.pk}", access) if access.is_known else Sender(NOBODY)


def _of_bearer(value: str) -> Sender:
    name = f"token {hashlib.sha256(value.encode()).hexdigest()}"
    access = Access.of_bearer(value)
    if access.is_known:
        return Sender(name, access)
    try:
        run_of(value, None)
    except CallbackRefused:
        return Sender(NOBODY)
    return Sender(name, has_run=True)
