"""What a person reads when something outside the code failed: a disk is full, the database is busy.

Nothing here asks the database, a session or a template: they may be what failed.
"""

import errno
import sys
from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.defaults import server_error

from catalog.photos.turns import TooManyPhotos

AGAIN_SECONDS = 30
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{title}</title>
<h1>{title}</h1><p>{text}</p></html>"""


def say_what_failed(request: HttpRequest) -> HttpResponse:
    """The handler of errors that nobody caught; 503 where it passes or a person can mend it."""
    text = explain(sys.exc_info()[1])
    if not text:
        return server_error(request)
    if "application/json" in request.headers.get("Accept", "") or request.path.startswith(
        ("/graphql/", "/v1/")
    ):
        error = {"message": text, "extensions": {"code": "UNAVAILABLE"}}
        response: HttpResponse = JsonResponse({"errors": [error]}, status=503)
    else:
        title = _("This did not work just now")
        response = HttpResponse(PAGE.format(title=escape(title), text=escape(text)), status=503)
    response["Retry-After"] = str(AGAIN_SECONDS)
    return response


def explain(error: BaseException | None) -> str:
    """What to do about an error of disk or database; empty for all others, which are faults of ours."""
    while error is not None:
        for is_this, text in KINDS:
            if is_this(error):
                return _(text)
        error = error.__cause__ or error.__context__
    return ""


def _is_system_error(*numbers: int) -> Callable[[BaseException], bool]:
    return lambda error: isinstance(error, OSError) and error.errno in numbers


def _is_database_error(words: str) -> Callable[[BaseException], bool]:
    return lambda error: isinstance(error, OperationalError) and words in str(error).lower()


FULL = gettext_noop(
    "The disk of the server is full, so nothing was saved. Make room, for example by deleting photos that "
    "are not needed, then reload this page to send it again."
)
CLOSED = gettext_noop(
    "The server may not write to its data folder, so nothing was saved. Ask your administrator to check "
    "DATA_DIR, then reload this page to send it again."
)
BUSY = gettext_noop(
    "The database is busy with something that takes long, so nothing was saved. Wait a moment, then reload "
    "this page to send it again."
)
MANY_PHOTOS = gettext_noop(
    "The server is reading many photos just now, so nothing was saved. Wait a few seconds, then reload this "
    "page to send it again."
)
KINDS: list[tuple[Callable[[BaseException], bool], str]] = [
    (_is_system_error(errno.ENOSPC, errno.EDQUOT), FULL),
    (_is_system_error(errno.EROFS, errno.EACCES), CLOSED),
    (_is_database_error("disk is full"), FULL),
    (_is_database_error("no space left"), FULL),
    (_is_database_error("readonly"), CLOSED),
    (_is_database_error("locked"), BUSY),
    (lambda error: isinstance(error, TooManyPhotos), MANY_PHOTOS),
]
