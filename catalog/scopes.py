"""What a token may be allowed: scopes, registered by each app for what it opens with them.

Registered in `AppConfig.ready`, so they are complete once Django has started.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.apps import apps
from django.core.exceptions import AppRegistryNotReady
from django.utils.functional import Promise

from catalog.permissions import VIEW_PHOTOS, VIEW_PRODUCTS

READ = "read"
READS_CATALOGUE = frozenset({VIEW_PRODUCTS, VIEW_PHOTOS})


@dataclass(frozen=True)
class Scope:
    """Nobody gives a program more than they may do themselves: `permissions` are what they need."""

    label: str | Promise
    permissions: frozenset[str]

    @property
    def reads_catalogue(self) -> bool:
        return self.permissions >= READS_CATALOGUE


_scopes: dict[str, Scope] = {}


def register_scope(name: str, label: str | Promise, permissions: Iterable[str]) -> None:
    """Add a scope, or what a scope of another app opens in this one.

    Args:
        label: what it lets a program do, in all apps that are known so far.
        permissions: what the API asks people for where a token with this scope suffices; added to those
            that are registered already.
    """
    before = _scopes[name].permissions if name in _scopes else frozenset()
    _scopes[name] = Scope(label, before | frozenset(permissions))


def all_scopes() -> dict[str, Scope]:
    """By name, in the order in which people read them."""
    return dict(_scopes)


def permissions_of(scopes: Iterable[str]) -> set[str]:
    """What a person must be allowed to do to give a program these scopes.

    Raises:
        KeyError: there is no such scope.
    """
    return {permission for name in scopes for permission in all_scopes()[name].permissions}


def reading_scopes() -> tuple[str, ...]:
    """The scopes with which a program may read products and photos.

    Raises:
        AppRegistryNotReady: an app may not have registered its own yet.
    """
    if not apps.ready:
        raise AppRegistryNotReady("Scopes are not known before every app is ready.")
    return tuple(name for name, scope in _scopes.items() if scope.reads_catalogue)
