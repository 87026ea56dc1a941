"""What a person reads when something outside the code failed: a disk is full, the database is busy.

Nothing here asks the database, a session or a template: they may be what failed.
"""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.defaults import server_error

from api.errors import UNAVAILABLE
from catalog.photos.turns import TooManyPhotos
from config.reserve import give_up_reserve, is_full
from config.second_try import is_conflict

AGAIN_SECONDS = 30
LOCK_SECONDS = 20  # as DATABASES says for SQLite
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{title}</title>
<h1>{title}</h1><p>{text}</p></html>"""


def say_what_failed(request: HttpRequest) -> HttpResponse:
    """The handler of errors that nobody caught; 503 where it passes or a person can mend it."""
    text = tell(sys.exc_info()[1])
    if not text:
        return server_error(request)
    if "application/json" in request.headers.get("Accept", "") or request.path.startswith(
        ("/graphql/", "/v1/")
    ):
        error = {"message": text, "extensions": {"code": UNAVAILABLE}}
        response: HttpResponse = JsonResponse({"errors": [error]}, status=503)
    else:
        title = _("This did not work just now")
        response = HttpResponse(PAGE.format(title=escape(title), text=escape(text)), status=503)
    response["Retry-After"] = str(AGAIN_SECONDS)
    return response


def limit_waiting(connection: Any, **kwargs: Any) -> None:
    """Let nobody wait longer for a lock of PostgreSQL than for one of SQLite, and then say so."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")


def tell(error: BaseException | None) -> str:
    """Explain an error to whoever met it, and make a little room where the disk is full."""
    text = explain(error)
    if text and text == _(FULL):
        give_up_reserve()
    return text


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


def _is_of_data_folder(error: BaseException) -> bool:
    """Whether something in DATA_DIR is not as we left it, such as a folder whose disk is not mounted."""
    name = error.filename if isinstance(error, OSError) else None
    return isinstance(name, str | os.PathLike) and Path(name).is_relative_to(settings.DATA_DIR)


def _is_full(error: BaseException) -> bool:
    """Whether SQLite could not write its log, because nothing is free: it calls that an error of the disk."""
    broken = any(is_this(error) for is_this in map(_is_database_error, ("disk i/o error", "unable to open")))
    return broken and is_full()


def _is_postgresql_code(*codes: str) -> Callable[[BaseException], bool]:
    """By the code, which is the same in every language; `08` stands for all that begin with it."""
    return lambda error: (
        isinstance(error, DatabaseError)
        and (getattr(error.__cause__, "sqlstate", None) or "").startswith(codes)
    )


def _is_away(error: BaseException) -> bool:
    """Whether PostgreSQL could not be reached, or went away: there is no code for that."""
    is_lost = isinstance(error, OperationalError | InterfaceError)
    return is_lost and getattr(error.__cause__, "sqlstate", "other") is None


FULL = gettext_noop(
    "The disk of the server is full, so nothing was saved. A little was kept free for this: delete photos "
    "that are not needed now, or make room otherwise, then reload this page to send it again."
)
CLOSED = gettext_noop(
    "The server may not write to its data folder, so nothing was saved. Ask your administrator to check "
    "DATA_DIR, then reload this page to send it again."
)
MISSING = gettext_noop(
    "Something is missing in the server's data folder, so nothing was saved. Ask your administrator whether "
    "its disk is there and DATA_DIR is right, then reload this page to send it again."
)
BUSY = gettext_noop(
    "The database is busy with something that takes long, so nothing was saved. Wait a moment, then reload "
    "this page to send it again."
)
MANY_PHOTOS = gettext_noop(
    "The server is reading many photos just now, so nothing was saved. Wait a few seconds, then reload this "
    "page to send it again."
)
AWAY = gettext_noop(
    "The database does not answer, so nothing was saved. Wait a moment, then reload this page to send it "
    "again. If it goes on, ask your administrator whether the database runs."
)
READ_ONLY = gettext_noop(
    "The database takes no changes just now, so nothing was saved. Ask your administrator whether it is a "
    "copy that is only read, then reload this page to send it again."
)
MET = gettext_noop(
    "Somebody else has changed the same thing at the same moment, so nothing was saved. Please reload this "
    "page to send it again."
)
KINDS: list[tuple[Callable[[BaseException], bool], str]] = [
    (_is_system_error(errno.ENOSPC, errno.EDQUOT), FULL),
    (_is_system_error(errno.EROFS, errno.EACCES, errno.EIO), CLOSED),
    (_is_of_data_folder, MISSING),
    (_is_database_error("disk is full"), FULL),
    (_is_database_error("no space left"), FULL),
    (_is_full, FULL),
    (_is_database_error("readonly"), CLOSED),
    (_is_database_error("database is locked"), BUSY),
    (_is_database_error("table is locked"), BUSY),
    (_is_postgresql_code("53100"), FULL),
    (_is_postgresql_code("53", "55P03", "57014"), BUSY),
    (_is_postgresql_code("25006"), READ_ONLY),
    (_is_postgresql_code("08", "57P"), AWAY),
    (is_conflict, MET),
    (_is_away, AWAY),
    (lambda error: isinstance(error, TooManyPhotos), MANY_PHOTOS),
]
