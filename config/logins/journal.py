"""Writes one line for each login, failure, refusal and logout; docs/logins.md has the form for fail2ban.

The address comes before the name: what somebody types as a name cannot be taken for an address.
"""

import logging

from django.http import HttpRequest

from config.logins.client import address_of, shown_name
from config.logins.throttle import CODES, waiting_time

logger = logging.getLogger("config.logins")


def note_login(request, user, **kwargs) -> None:
    _write(logging.INFO, "login succeeded", request, user.get_username())


def note_logout(request, user, **kwargs) -> None:
    if user is not None:
        _write(logging.INFO, "logout", request, user.get_username())


def note_failure(credentials, request=None, **kwargs) -> None:
    what = "code failed" if credentials.get("step") == CODES else "login failed"
    if waiting_time(request):
        what = "login refused"
    _write(logging.WARNING, what, request, credentials.get("username"))


def note_removal(user, by: str) -> None:
    """The second factor of a person was removed by somebody else."""
    logger.warning('second factor removed user "%s" by "%s"', shown_name(user.get_username()), shown_name(by))


def _write(level: int, what: str, request: HttpRequest | None, username: str | None) -> None:
    logger.log(level, '%s from %s user "%s"', what, address_of(request) or "-", shown_name(username))
