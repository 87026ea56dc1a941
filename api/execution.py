"""Runs GraphQL requests: reads, checks, executes, and puts errors in the form that callers see."""

import time
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf
from typing import Any

import graphene
from django.conf import settings
from graphql import (
    DocumentNode,
    ExecutionContext,
    ExecutionResult,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OperationType,
    execute_sync,
    get_operation_ast,
    specified_rules,
    validate,
)

from api.callers import Context
from api.errors import TOO_COMPLEX, ApiError, public_error
from api.limits import check_limits, parse_document
from api.rules import NoConditionalSubscription

MAX_CACHED_LENGTH = 5000  # characters of a query that is remembered with its outcome
CACHED = 128
SECONDS = 10  # that a query may take


@dataclass(frozen=True)
class GraphQLRequest:
    query: str
    variables: dict = field(default_factory=dict)
    operation_name: str | None = None

    @classmethod
    def of(cls, data) -> "GraphQLRequest":
        """Read it from decoded JSON.

        Raises:
            ApiError: (BAD_INPUT) it is a batch, or not of the form that GraphQL over HTTP has.
        """
        if isinstance(data, list):
            raise ApiError("Batches are not taken: send one operation a request.")
        if not isinstance(data, dict) or not isinstance(data.get("query"), str):
            raise ApiError('Send an object such as {"query": "{ shops { edges { node { name } } } }"}.')
        variables, name = data.get("variables"), data.get("operationName")
        if not isinstance(variables, dict | None) or not isinstance(name, str | None):
            raise ApiError("variables must be an object and operationName a string.")
        return cls(data["query"], variables or {}, name or None)


@dataclass(frozen=True)
class Prepared:
    """A document that passed all checks, and the kind of the operation that is asked for."""

    document: DocumentNode
    operation: OperationType


def prepare(schema: graphene.Schema, request: GraphQLRequest) -> Prepared:
    """Parse and check a request.

    Raises:
        GraphQLErrors: what is wrong with it.
    """
    try:
        known = _known_document if len(request.query) <= MAX_CACHED_LENGTH else _checked_document
        document, problems = known(schema, request.query, settings.GRAPHQL_INTROSPECTION)
        if problems:
            raise GraphQLErrors(problems)
        check_limits(document, request.variables)
        operation = get_operation_ast(document, request.operation_name)
        if operation is None:
            raise ApiError("operationName must name one of the query's operations.")
    except GraphQLError as error:
        raise GraphQLErrors([error]) from error
    return Prepared(document, operation.operation)


class GraphQLErrors(Exception):
    """Raised when nothing of a request is executed; carries what is wrong with it."""

    def __init__(self, errors: list[GraphQLError]):
        super().__init__(errors[0].message)
        self.errors = errors

    def as_json(self) -> list[dict]:
        return [public_error(error) for error in self.errors]


def _checked_document(
    schema: graphene.Schema, query: str, introspection: bool
) -> tuple[DocumentNode, list[GraphQLError]]:
    document = parse_document(query)
    check_limits(document, None)
    rules = [*specified_rules, NoConditionalSubscription]
    if not introspection:
        rules.append(NoSchemaIntrospectionCustomRule)
    problems = validate(
        schema.graphql_schema, document, rules, max_errors=10, hide_suggestions=not introspection
    )
    return document, problems


_known_document = lru_cache(CACHED)(_checked_document)


class _OutOfTime(BaseException):
    """Breaks an execution off; as an `Exception` it would become an error of each field that is left."""


class _TimedExecution(ExecutionContext):
    """Looks at the clock before each field."""

    until = inf

    def execute_field(self, *args, **kwargs):
        if time.monotonic() > self.until:
            raise _OutOfTime
        return super().execute_field(*args, **kwargs)


def run(schema: graphene.Schema, request: GraphQLRequest, prepared: Prepared, context: Context) -> dict:
    """Execute a query or mutation. A query may take SECONDS; what a mutation did is answered in any case.

    Returns:
        The response as JSON-serialisable values.
    """
    is_query = prepared.operation is OperationType.QUERY
    until = time.monotonic() + SECONDS if is_query else inf
    try:
        result = execute_sync(
            schema.graphql_schema,
            prepared.document,
            context_value=context,
            variable_values=request.variables,
            operation_name=request.operation_name,
            hide_suggestions=not settings.GRAPHQL_INTROSPECTION,
            execution_context_class=type("_Execution", (_TimedExecution,), {"until": until}),
        )
    except _OutOfTime:
        text = f"This took longer than {SECONDS} seconds. Ask for less at once, such as for smaller pages."
        return {"data": None, "errors": [public_error(ApiError(text, TOO_COMPLEX))]}
    return response_of(result)


def response_of(result: ExecutionResult) -> dict:
    response: dict[str, Any] = {"data": result.data}
    if result.errors:
        response["errors"] = [public_error(error) for error in result.errors]
    return response
