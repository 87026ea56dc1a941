"""The log: a refusal is one line, a fault comes with its traceback."""

import logging
from io import StringIO
from logging.config import dictConfig

import pytest
from django.conf import settings


@pytest.fixture
def lines(monkeypatch):
    """What the project's own handler writes."""
    before = logging.root.handlers[:], logging.root.level
    dictConfig({**settings.LOGGING, "loggers": {}})
    written = StringIO()
    monkeypatch.setattr(logging.root.handlers[0], "stream", written)
    yield written
    logging.root.handlers[:], logging.root.level = before


@pytest.mark.parametrize(("level", "told"), [(logging.WARNING, False), (logging.ERROR, True)])
def test_a_traceback_tells_of_faults_and_not_of_refusals(lines, level, told):
    try:
        raise PermissionError("not yours")
    except PermissionError as error:
        logging.getLogger("django.request").log(level, "Forbidden: /admin/", exc_info=error)
    assert "Forbidden: /admin/" in lines.getvalue()
    assert ("Traceback" in lines.getvalue()) == told
