"""The GraphQL endpoint over HTTP: POST /graphql/ for programs and pages, GET for the page to try it out.

A bearer token or, with Django's CSRF protection, a staff session. Who asks is read by the class
that the project gives as `access`.
"""

from typing import cast

import graphene
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie
from django.views.generic import View
from graphql import GraphQLError, OperationType

from api.callers import AccessReader, Context
from api.errors import FORBIDDEN, STATUSES, TOO_LARGE, TOO_MANY, UNAUTHENTICATED, UNAVAILABLE, ApiError
from api.execution import GraphQLErrors, GraphQLRequest, prepare, run
from api.limits import parse_document, root_fields
from api.places import places
from api.strict_json import NotJson, read_json
from api.uploads import LimitedUpload, read_multipart

MAX_JSON_BYTES = 1024 * 1024


class CsrfCheck(CsrfViewMiddleware):
    """Django's check, answering with the reason instead of a page."""

    def _reject(self, request, reason):
        return reason


@method_decorator([csrf_exempt, never_cache], name="dispatch")
class GraphQLEndpoint(View):
    """Exempt from the CSRF middleware because the check comes after the upload limits: `_check_csrf`."""

    # Both are given by the project, as arguments of `as_view`; it takes only what is an attribute already.
    schema: graphene.Schema = None
    access: type[AccessReader] = cast("type[AccessReader]", None)
    open_fields: frozenset[str] = frozenset()  # mutations that judge tokens of another kind themselves
    http_method_names = ["get", "post"]

    @method_decorator(ensure_csrf_cookie)
    def get(self, request):
        """A page to try the API out, for staff, with nothing from other hosts."""
        access = self.access.of_user(request.user)
        if not access.is_known:
            return redirect_to_login(request.get_full_path())
        shop = access.shops().first()
        context = {**admin.site.each_context(request), "title": "GraphQL", "shop_id": shop and shop.pk}
        return render(request, "api/console.html", context)

    def post(self, request):
        access = self.access.of(request)
        try:
            asked = GraphQLRequest.of(self._read(request, access))
            if not access.is_known:
                self._check_open(asked, access)
            response = self._answer(request, asked, access)
        except ApiError as error:
            return self._refuse(GraphQLErrors([error]), STATUSES.get(error.code, 400))
        except GraphQLError as error:  # not even GraphQL
            return self._refuse(GraphQLErrors([error]), 400)
        except GraphQLErrors as errors:
            return self._refuse(errors, 400)
        codes = {error["extensions"]["code"] for error in response.get("errors", [])}
        return JsonResponse(response, status=503 if {TOO_MANY, UNAVAILABLE} & set(codes) else 200)

    def _answer(self, request: HttpRequest, asked: GraphQLRequest, access: AccessReader) -> dict:
        """Answer among the few things at once that are done for this caller; photos have turns of their own.

        Raises:
            ApiError: (TOO_MANY) the caller has asked for too much at once; (BAD_INPUT) it is a subscription.
            GraphQLErrors: what is wrong with it.
        """
        with places.place(access.bearer or str(request.session.session_key)):
            prepared = prepare(self.schema, asked)
            if prepared.operation is OperationType.SUBSCRIPTION:
                raise ApiError("Subscriptions are served over a websocket at /graphql/ws/.")
            if prepared.operation is OperationType.QUERY or not request.FILES:
                return run(self.schema, asked, prepared, Context(access))
        return run(self.schema, asked, prepared, Context(access))

    def _check_open(self, asked: GraphQLRequest, access: AccessReader) -> None:
        """Refuse whoever is not known before anything is validated: only few mutations may be for them.

        Raises:
            ApiError: (UNAUTHENTICATED) they may not ask this.
            GraphQLError: it is no GraphQL.
        """
        fields = root_fields(parse_document(asked.query))
        if not (access.bearer and fields and fields <= self.open_fields):
            text = access.problem or "Log in as staff, or send a token: Authorization: Bearer shs_…"
            raise ApiError(text, UNAUTHENTICATED)

    def _refuse(self, errors: GraphQLErrors, status: int) -> JsonResponse:
        return JsonResponse({"errors": errors.as_json()}, status=status)

    def _read(self, request: HttpRequest, access: AccessReader) -> dict:
        """Read the body within its limits.

        Raises:
            ApiError: it is too large, cannot be understood, or comes from another site's page.
        """
        if request.content_type == "multipart/form-data":
            return read_multipart(*self._read_parts(request, access))
        if request.content_type != "application/json":
            raise ApiError("Send application/json, or multipart/form-data with files.")
        self._check_csrf(request, access)
        body = request.read(MAX_JSON_BYTES + 1)
        if len(body) > MAX_JSON_BYTES:
            raise ApiError("The request is larger than 1 MB.", TOO_LARGE)
        try:
            return read_json(body)
        except NotJson as error:
            raise ApiError("The request is not JSON.") from error

    def _read_parts(self, request: HttpRequest, access: AccessReader):
        if not (access.is_known or access.bearer):
            raise ApiError("Files are taken from those who are known only.", UNAUTHENTICATED)
        most = settings.API_UPLOAD_MAX_MEGABYTES * 1024 * 1024
        if int(request.META.get("CONTENT_LENGTH") or 0) > most + MAX_JSON_BYTES:
            text = f"The files are larger than the {settings.API_UPLOAD_MAX_MEGABYTES} MB that are taken."
            raise ApiError(text, TOO_LARGE)
        limited = LimitedUpload(request, most)
        request.upload_handlers = [limited, *request.upload_handlers]
        try:
            fields, files = request.POST, request.FILES
        except RequestDataTooBig as error:
            raise ApiError("The fields of the request are too large.", TOO_LARGE) from error
        except (MultiPartParserError, BadRequest, SuspiciousOperation) as error:
            raise ApiError("The request is not a multipart form that can be read.") from error
        if limited.problem:
            raise ApiError(limited.problem, TOO_LARGE)
        self._check_csrf(request, access)
        return fields, files

    def _check_csrf(self, request: HttpRequest, access: AccessReader) -> None:
        """A browser sends a session's cookie along with any site's request, and a token with none."""
        if access.bearer or not request.user.is_authenticated:
            return
        check = CsrfCheck(self.post)
        check.process_request(request)
        if reason := check.process_view(request, self.post, (), {}):
            raise ApiError(f"Send the CSRF token as X-CSRFToken. {reason}", FORBIDDEN)
