"""Says who asks and what they may do: a staff session, or a program with a bearer token.

The endpoint gives an `Access` to resolvers as `info.context.access`, `access_required` to views as
`request.access`. A request that carries an `Authorization: Bearer` header is judged by that alone; its
session is not looked at.

With a bearer value of another kind than `shs_…` access is nobody's, and `access.bearer` has the value for the
resolver that knows it.
"""

from dataclasses import dataclass
from functools import wraps

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, JsonResponse

from api.errors import FORBIDDEN, NOT_FOUND, SHOP_REQUIRED, STATUSES, UNAUTHENTICATED, ApiError, public_error
from api.fields import read_id
from catalog.activity.actor import act_as
from catalog.models import Shop
from catalog.tokens import PREFIX, ApiToken

MAX_BEARER_LENGTH = 200


@dataclass(frozen=True)
class Grant:
    """What a bearer value allows: some scopes in one shop."""

    shop_id: int
    scopes: frozenset[str]
    name: str = ""  # of the token


@dataclass
class Access:
    """Who asks. `user` is a member of staff or nobody; `grant` is what a token allows; never both."""

    user: User | AnonymousUser
    grant: Grant | None = None
    bearer: str = ""  # as sent, whatever it is
    problem: str = ""  # why a bearer value does not hold

    @classmethod
    def of(cls, request) -> "Access":
        """Read it from an HTTP request."""
        header = request.headers.get("Authorization", "")
        kind, _, value = header.partition(" ")
        if kind.lower() == "bearer" and value.strip():
            return cls.of_bearer(value.strip())
        return cls.of_user(request.user)

    @classmethod
    def of_user(cls, user) -> "Access":
        return cls(user if user.is_active and user.is_staff else AnonymousUser())

    @classmethod
    def of_bearer(cls, value: str) -> "Access":
        """Read it from a bearer value.

        Effects:      the token's `last_used_at`, at most once a minute.
        """
        access = cls(AnonymousUser(), bearer=value, problem="This token is unknown.")
        if len(value) > MAX_BEARER_LENGTH:
            return access
        if value.startswith(PREFIX) and (token := ApiToken.find(value)) is not None:
            access.problem = token.problem
            if not token.problem:
                token.note_use()
                access.grant = Grant(token.shop_id, frozenset(token.scopes), token.name)
        return access

    @property
    def is_known(self) -> bool:
        """Whether this is a member of staff or a token that holds."""
        return self.grant is not None or self.user.is_authenticated

    def require(self, permission: str | None, *scopes: str) -> None:
        """Refuse whoever may not do something.

        Args:
            permission: what a member of staff needs; None: not for people.
            scopes: a token needs one of them; none given: not for tokens.
        Raises:
            ApiError: (UNAUTHENTICATED) nobody asks; (FORBIDDEN) the permission or scope is missing.
        """
        if not self.is_known:
            text = self.problem or "Log in as staff, or send a token: Authorization: Bearer shs_…"
            raise ApiError(text, UNAUTHENTICATED)
        if self.grant is not None and not self.grant.scopes & set(scopes):
            needed = f"the scope {' or '.join(scopes)}" if scopes else "a person who is logged in"
            raise ApiError(f"This token may not do that; it takes {needed}.", FORBIDDEN)
        if self.grant is None and (permission is None or not self.user.has_perm(permission)):
            needed = f"the permission {permission}" if permission else "a token"
            raise ApiError(f"You may not do that; it takes {needed}.", FORBIDDEN)
        if self.grant is not None:
            act_as(self.grant.name, is_token=True)
        else:
            act_as(self.user.get_username())

    def shops(self):
        """The shops that may be seen; none for nobody."""
        if self.grant is not None:
            return Shop.objects.filter(pk=self.grant.shop_id)
        return Shop.objects.visible_to(self.user)

    def shop(self, shop_id: str | int | None = None) -> Shop:
        """The shop with this id, or the only one there is to see when no id is given.

        Raises:
            ApiError: (NOT_FOUND) there is no such shop for this caller; (SHOP_REQUIRED) no id was given and
                there are several; (BAD_INPUT) the id is no number.
        """
        if shop_id is None:
            return self._only_shop()
        pk = read_id(shop_id, "shopId is the shop's databaseId, a number.")
        shop = self.shops().filter(pk=pk).first()
        if shop is None:
            raise ApiError("There is no such shop, or you may not see it.", NOT_FOUND)
        return shop

    def _only_shop(self) -> Shop:
        found = list(self.shops()[:2])
        if not found:
            raise ApiError("You are not a member of any shop.", NOT_FOUND)
        if len(found) > 1:
            raise ApiError("You see several shops: say which with shopId.", SHOP_REQUIRED)
        return found[0]


class AccessRequest(HttpRequest):
    """A request as a view behind `access_required` gets it."""

    access: Access


def access_required(permission: str | None, *scopes: str):
    """Make a view that serves files open to staff with a permission and to tokens with one of the scopes.

    A browser without a session is sent to the login page; a person without the permission gets 404, as for a
    thing that is not there; whoever sends a token that does not suffice gets 401 or 403.
    """

    def decorate(view):
        @wraps(view)
        def guarded(request: AccessRequest, *args, **kwargs):
            access = request.access = Access.of(request)
            try:
                access.require(permission, *scopes)
            except ApiError as error:
                if access.bearer:
                    return refusal(error)
                if not request.user.is_authenticated:
                    return redirect_to_login(request.get_full_path())
                raise Http404 from error
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def refusal(error: ApiError) -> JsonResponse:
    """The same error outside GraphQL, in the same form."""
    response = JsonResponse({"errors": [public_error(error)]}, status=STATUSES.get(error.code, 400))
    if response.status_code == 401:
        response["WWW-Authenticate"] = 'Bearer realm="Shelfsight"'
    return response
