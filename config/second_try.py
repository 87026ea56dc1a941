"""Of two people who save at the same moment the second is tried again: it then sees what the first has saved.

PostgreSQL lets both go on until they meet at a rule of the tables, such as one SKU for each shop.
"""

from collections.abc import Callable
from functools import wraps
from pathlib import Path

from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError, IntegrityError
from django.http import HttpRequest, HttpResponseBase

GIVEN_UP = {
    "40P01",
    "40001",
}  # PostgreSQL's codes for "two waited for each other" and "not one after the other"
GONE = "did not affect any rows"  # Django's words where a row that is saved has been deleted meanwhile
View = Callable[..., HttpResponseBase]


def is_conflict(error: BaseException) -> bool:
    """Whether somebody else did something at the same moment that this cannot go together with."""
    if not isinstance(error, DatabaseError):
        return False
    code = getattr(error.__cause__, "sqlstate", None)
    return isinstance(error, IntegrityError) or code in GIVEN_UP or GONE in str(error)


def tried_again(view: View) -> View:
    """Call a view once more where it met somebody else's; what it had done was rolled back."""

    @wraps(view)
    def twice(request: HttpRequest, *args, **kwargs) -> HttpResponseBase:
        told = getattr(request, "_messages", None)
        said = len(told._queued_messages) if told is not None else 0
        try:
            return view(request, *args, **kwargs)
        except DatabaseError as error:
            if request.method != "POST" or not is_conflict(error) or not _rewind(request):
                raise
        if told is not None:
            del told._queued_messages[said:]  # what the first try would have said
        return view(request, *args, **kwargs)

    return twice


def _rewind(request: HttpRequest) -> bool:
    """Let files be read from the beginning; False if one has been moved to the photos, and removed there."""
    files = [file for name in request.FILES for file in request.FILES.getlist(name)]
    if not all(_is_there(file) for file in files):
        return False
    for file in files:
        file.seek(0)
    return True


def _is_there(file: UploadedFile) -> bool:
    path = getattr(file, "temporary_file_path", None)
    return not file.closed and (path is None or Path(path()).exists())
