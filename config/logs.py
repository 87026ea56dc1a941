"""How the log reads: one line for what a visitor did wrong, a traceback for what we did."""

import logging
from typing import Any


def no_traceback_of_refusals(record: logging.LogRecord) -> bool:
    """Leave the traceback away where a page was refused as it should be: Django tells it with one."""
    if not record.name.startswith("django."):
        return True
    error = record.exc_info[1] if record.exc_info else None
    if record.levelno < logging.ERROR or type(error).__name__ == "TooManyPhotos":
        record.exc_info = None
    return True


LINES: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"refusals": {"()": "django.utils.log.CallbackFilter", "callback": no_traceback_of_refusals}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["refusals"]}},
    "loggers": {
        "django-q": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        "PIL": {"level": "WARNING"},
        "config.logins": {"level": "INFO"},  # whatever LOG_LEVEL is: fail2ban reads it (docs/logins.md)
        "httpx": {"level": "WARNING"},
    },
}
