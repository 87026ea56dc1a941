"""Knows who acts at this moment: the person or the token whose request is served, or nobody.

Nobody acts while a worker trains, or in a command on the server: what happens then is no activity of anyone.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

MAX_NAME = 150


@dataclass(frozen=True)
class Actor:
    """Who acts: a person's user name, or a token's name."""

    name: str
    is_token: bool = False
    address: str = ""


_acting: ContextVar[Callable[[], Actor | None] | None] = ContextVar("acting", default=None)


def current_actor() -> Actor | None:
    """Who acts now; None for nobody."""
    find = _acting.get()
    return find() if find else None


def act_as(name: str, is_token: bool = False) -> None:
    """From here on, in this request or operation, this is who acts."""
    before = _acting.get()
    address = getattr(before, "address", "")
    _acting.set(_Known(Actor(name[:MAX_NAME], is_token, address)))


class _Known:
    def __init__(self, actor: Actor):
        self.actor, self.address = actor, actor.address

    def __call__(self) -> Actor:
        return self.actor


class _OfRequest:
    """Asked only when something is recorded: most requests never read who is logged in."""

    def __init__(self, request: HttpRequest):
        self.request, self.address = request, request.META.get("REMOTE_ADDR") or ""

    def __call__(self) -> Actor | None:
        user = cast("AbstractBaseUser | AnonymousUser", self.request.user)
        return Actor(user.get_username(), False, self.address) if user.is_authenticated else None


@sync_and_async_middleware
def acting_middleware(get_response):
    """Let whoever is logged in act while a request is served."""
    if iscoroutinefunction(get_response):

        async def middleware(request):
            token = _acting.set(_OfRequest(request))
            try:
                return await get_response(request)
            finally:
                _acting.reset(token)

    else:

        def middleware(request):
            token = _acting.set(_OfRequest(request))
            try:
                return get_response(request)
            finally:
                _acting.reset(token)

    return middleware
