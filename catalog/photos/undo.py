"""Removes the files of photos again when the save that stored them is rolled back."""

import contextlib
import logging
from collections.abc import Iterator
from contextvars import ContextVar

from django.core.files.storage import Storage
from django.db import DatabaseError

logger = logging.getLogger(__name__)
_stored: ContextVar[list[tuple[Storage, str]] | None] = ContextVar("stored", default=None)


def note_stored(storage: Storage, name: str) -> None:
    """Remember a file that was stored for a row that is not final yet."""
    files = _stored.get()
    if files is not None:
        files.append((storage, name))


def remove_quietly(storage: Storage, name: str) -> None:
    """Remove a file that was stored for nothing; what cannot be removed now is found by `orphans` later.

    What failed may have failed after the commit, in what is called then: a file that a row names stays.
    """
    from catalog.photos.orphans import unnamed  # it knows the models, which know this module

    try:
        if unnamed([name]):
            storage.delete(name)
    except (OSError, DatabaseError):
        logger.exception("%s was stored for nothing and could not be removed.", name)


@contextlib.contextmanager
def files_undone_on_failure() -> Iterator[None]:
    """To be put around a transaction: if it fails, the files that were stored in it are removed.

    What a killed process leaves is found by `orphans`.
    """
    files: list[tuple[Storage, str]] = []
    token = _stored.set(files)
    try:
        yield
    except BaseException:
        for storage, name in files:
            remove_quietly(storage, name)
        raise
    finally:
        _stored.reset(token)
