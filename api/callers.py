"""What this API needs to know of who asks. The project gives it a class that reads it from requests."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol, Self

from django.db.models import QuerySet
from django.http import HttpRequest

from api.errors import TOO_COMPLEX, ApiError


class AccessReader(Protocol):
    """Who asks; resolvers find it as `info.context.access`."""

    bearer: str  # the token as it was sent, whatever it is; empty for a session
    problem: str  # why a token that was sent does not hold

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Read it from an HTTP request."""

    @classmethod
    def of_user(cls, user) -> Self:
        """Read it from a session's user."""

    @classmethod
    def of_bearer(cls, value: str) -> Self:
        """Read it from a bearer token."""

    @property
    def is_known(self) -> bool:
        """Whether this caller may ask at all."""

    def require(self, permission: str | None, *scopes: str) -> None:
        """Refuse whoever has neither the permission nor one of the scopes, with an ApiError."""

    def shops(self) -> QuerySet:
        """The shops that this caller may see."""


@dataclass
class Context:
    """What resolvers get as `info.context`."""

    access: AccessReader
    asked: Counter[str] = field(default_factory=Counter, kw_only=True)

    def count(self, what: str, number: int, most: int) -> None:
        """Count work that takes much, and that a request may ask for in several places.

        Raises:
            ApiError: (TOO_COMPLEX) together it is more than `most`.
        """
        self.asked[what] += number
        if self.asked[what] > most:
            raise ApiError(f"One request may have at most {most} {what}.", TOO_COMPLEX)
