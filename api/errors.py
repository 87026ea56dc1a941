"""Errors of the API: a sentence for a person, and a code for a program."""

import logging
from collections.abc import Callable

from graphql import GraphQLError

logger = logging.getLogger(__name__)

UNAUTHENTICATED = "UNAUTHENTICATED"  # nobody is logged in and no token holds
FORBIDDEN = "FORBIDDEN"  # known, but without the permission or the scope
NOT_FOUND = "NOT_FOUND"  # there is no such thing, or not for this caller
SHOP_REQUIRED = "SHOP_REQUIRED"  # the caller sees several shops and named none
BAD_INPUT = "BAD_INPUT"  # the request or a value in it cannot be understood
CONFLICT = "CONFLICT"  # understood, but not possible as things are
TOO_LARGE = "TOO_LARGE"  # more bytes than are taken
TOO_SLOW = "TOO_SLOW"  # the bytes of the request come so slowly that it is given up
TOO_COMPLEX = "TOO_COMPLEX"  # asks for more than one request may
TOO_MANY = "TOO_MANY"  # asked more than is done at once, or for one caller: come again a little later
UNAVAILABLE = "UNAVAILABLE"  # the disk is full, the database is busy or away: come again later
INTERNAL = "INTERNAL"  # our fault; the log has it
# The HTTP status of an answer that is nothing but an error; 400 where none is named.
STATUSES = {
    UNAUTHENTICATED: 401,
    FORBIDDEN: 403,
    NOT_FOUND: 404,
    TOO_LARGE: 413,
    TOO_MANY: 503,
    UNAVAILABLE: 503,
}
OUR_FAULT = "Something went wrong on the server; its log has more."


class ApiError(GraphQLError):
    """Raised when a request is refused; `code` is what a program goes by, the text what a person reads."""

    def __init__(self, message: str, code: str = BAD_INPUT, nodes=None):
        super().__init__(message, nodes=nodes, extensions={"code": code})
        self.code = code


# Exceptions of other parts that are no fault of ours: their text is for people, and this their code.
known_refusals: dict[type[Exception], str] = {}
# What tells of disk and database: a sentence about an exception, or nothing if it knows none.
explainers: list[Callable[[BaseException], str]] = []


def public_error(error: GraphQLError) -> dict:
    """What a caller is told of an error: never a traceback, never the text of a fault of ours."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, GraphQLError):  # has its sentence already, whatever it was raised from
        cause = None
    if cause is not None and type(cause) in known_refusals:
        extensions = {"code": known_refusals[type(cause)]}
        error = GraphQLError(str(cause), error.nodes, path=error.path, extensions=extensions)
    elif cause is not None and (text := next(filter(None, (tell(cause) for tell in explainers)), "")):
        # With its traceback: a rule of a table that a mistake of ours broke looks like somebody else's save.
        logger.warning("GraphQL field %s failed.", ".".join(map(str, error.path or [])), exc_info=cause)
        error = GraphQLError(text, error.nodes, path=error.path, extensions={"code": UNAVAILABLE})
    elif cause is not None and error.path:
        logger.error("GraphQL field %s failed.", ".".join(map(str, error.path)), exc_info=cause)
        error = GraphQLError(OUR_FAULT, error.nodes, path=error.path, extensions={"code": INTERNAL})
    formatted = dict(error.formatted)
    formatted["extensions"] = {"code": BAD_INPUT} | (error.extensions or {})
    return formatted
