"""Slows down whoever guesses: by account and address together, so that nobody is locked out from elsewhere.

A try is counted before password or code is looked at: many at the same moment get no more than one after the
other. Counts are rows of django-axes. Its column for the browser says what a row counts, since a browser's
name is up to whoever guesses.
"""

from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from config.logins.client import NOWHERE, account_key, address_of, throttled_address

# What a row counts.
ACCOUNT = "account"  # tries for one account from one address
ADDRESS = "address"  # failures from one address, for whichever account
CODES = "codes"  # wrong codes for one account, from wherever: its password is known already

ADDRESS_FAILURES = 100  # of one address; those who have logged in from there do not feel it
CODE_FAILURES = 20  # a day, from addresses that the account has never logged in from
CODE_PAUSE = timedelta(days=1)
KNOWN_DAYS = 30  # after a login its address counts as the account's own for so long
CLOCK = timedelta(minutes=1)  # a row from further ahead was written before the clock was set back


class Throttle(AxesDatabaseHandler):
    """What django-axes calls: before a password is looked at, and when that has failed or succeeded."""

    def is_allowed(self, request: HttpRequest, credentials: dict | None = None) -> bool:
        return not take_try(request, (credentials or {}).get("username"))

    def user_login_failed(self, sender: Any, credentials: dict, request=None, **kwargs: Any) -> None:
        if request is None or waiting_time(request):
            return
        _count("", throttled_address(request), ADDRESS)
        if credentials.get("step") == CODES:
            _count(account_key(credentials.get("username")), NOWHERE, CODES)

    def user_logged_in(self, sender: Any, request: HttpRequest, user, **kwargs: Any) -> None:
        if address_of(request):
            forgive(request, user.get_username())
            name = account_key(user.get_username())
            AccessLog.objects.create(username=name, ip_address=throttled_address(request))

    def user_logged_out(self, sender: Any, request: HttpRequest, user, **kwargs: Any) -> None:
        """Nothing to count."""


def take_try(request: HttpRequest, username: str | None, is_code: bool = False) -> int:
    """Count a try that is about to be looked at.

    Returns:
        How many seconds to wait if there were too many already, and then it must not be looked at; else 0.
    Effects:      a row; `waiting_time` of the request.
    """
    name, address = account_key(username), throttled_address(request)
    wait = 0
    if not _has_logged_in_from(name, address):
        wait = _wait("", address, ADDRESS, ADDRESS_FAILURES)
        if is_code and not wait:
            wait = _wait(name, NOWHERE, CODES, CODE_FAILURES)
    wait = wait or _count(name, address, ACCOUNT, settings.AXES_FAILURE_LIMIT)
    request.login_wait = wait  # type: ignore[attr-defined]
    return wait


def waiting_time(request: HttpRequest | None) -> int:
    """How many seconds the login of this request was told to wait; 0 if it was looked at."""
    return getattr(request, "login_wait", 0)


def forgive(request: HttpRequest, username: str) -> None:
    """Count from the beginning: whoever tried knows password or code."""
    rows = AccessAttempt.objects.filter(username=account_key(username), ip_address=throttled_address(request))
    rows.filter(user_agent=ACCOUNT).delete()


def drop_old() -> None:
    """Remove counts that hold nobody any more, and logins whose address is not known by them any more.

    Repeatable:   yes.
    """
    now = timezone.now()
    ahead = Q(attempt_time__gt=now + CODE_PAUSE)
    for rows, kept in (
        (AccessAttempt.objects, CODE_PAUSE + settings.AXES_COOLOFF_TIME),
        (AccessLog.objects, timedelta(days=KNOWN_DAYS)),
    ):
        old = rows.filter(Q(attempt_time__lt=now - kept) | ahead)
        if old.exists():
            old.delete()


def _has_logged_in_from(name: str, address: str) -> bool:
    logins = AccessLog.objects.filter(username=name, ip_address=address)
    return logins.filter(attempt_time__gt=timezone.now() - timedelta(days=KNOWN_DAYS)).exists()


def _count(name: str, address: str, kind: str, most: int | None = None) -> int:
    """Count one more, unless there are `most` already: then give the seconds to wait."""
    with transaction.atomic():
        row, is_new = AccessAttempt.objects.select_for_update().get_or_create(
            username=name, ip_address=address, user_agent=kind, defaults={"failures_since_start": 1}
        )
        if is_new:
            return 0
        wait = _seconds_left(row)
        if not wait:
            row.failures_since_start = 0
        elif most is not None and row.failures_since_start >= most:
            return wait
        row.failures_since_start += 1
        row.attempt_time = timezone.now()
        row.save(update_fields=["failures_since_start", "attempt_time"])
    return 0


def _wait(name: str, address: str, kind: str, most: int) -> int:
    rows = AccessAttempt.objects.filter(username=name, ip_address=address, user_agent=kind)
    row = rows.filter(failures_since_start__gte=most).first()
    return _seconds_left(row) if row else 0


def _seconds_left(row: AccessAttempt) -> int:
    """How long a count still stands; 0 if it has ended by itself."""
    pause = CODE_PAUSE if row.user_agent == CODES else settings.AXES_COOLOFF_TIME
    passed = timezone.now() - row.attempt_time
    return 0 if passed >= pause or passed < -CLOCK else int((pause - passed).total_seconds()) + 1
