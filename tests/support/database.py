"""PostgreSQL made faster for tests: they empty it a thousand times, and nobody needs it after a power cut."""

import contextlib

import pytest
from django.db import OperationalError, connection
from django.db.backends.postgresql.operations import DatabaseOperations

TRIES = 3
execute_sql_flush = DatabaseOperations.execute_sql_flush


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Let commits not wait for the disk, in the processes that tests start as well."""
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            name = connection.ops.quote_name(connection.settings_dict["NAME"])
            cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        connection.close()  # the next one begins with it


def _delete_all(operations, style, tables, *, reset_sequences=False, allow_cascade=False) -> list[str]:
    """Empty tables, without the new files of TRUNCATE, which take longer than most tests.

    Whoever is still writing is waited for, and those who only read go on.
    """
    assert not reset_sequences, "ids go on from test to test"
    names = [operations.quote_name(table) for table in tables]
    lock = f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE;"
    return [lock, *(f"DELETE FROM {name};" for name in names)] if names else []  # noqa: S608 (our names)


def _execute_patiently(operations, statements) -> None:
    """A process that a test has started may wait for what is being emptied, and the other way round."""
    for _ in range(TRIES - 1):
        with contextlib.suppress(OperationalError):
            execute_sql_flush(operations, statements)
            return
    execute_sql_flush(operations, statements)


DatabaseOperations.sql_flush = _delete_all
DatabaseOperations.execute_sql_flush = _execute_patiently
