"""Hours of the day such as 20-6, as settings and fields of models have them."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils import timezone


class HoursUnreadable(ValueError):
    """Raised when hours are not written like 20-6."""


def read_hours(text: str) -> tuple[int, int] | None:
    """Such as "20-6", from eight in the evening to six in the morning; None for any hour.

    Raises:
        HoursUnreadable: it is written otherwise.
    """
    if not text.strip():
        return None
    begin, dash, end = text.partition("-")
    if not (dash and begin.strip().isdecimal() and end.strip().isdecimal()):
        raise HoursUnreadable(f"{text!r} must look like 20-6, in hours of the day.")
    hours = int(begin), int(end)
    if not (0 <= hours[0] <= 23 and 0 <= hours[1] <= 24) or hours[0] == hours[1]:
        raise HoursUnreadable(f"{text!r} must have two different hours from 0 to 24.")
    return hours


def is_open(text: str, now: datetime | None = None) -> bool:
    """Whether hours as `read_hours` takes them include this moment, by the time zone of the settings."""
    hours = read_hours(text)
    if hours is None:
        return True
    begin, end = hours
    hour = timezone.localtime(now).hour
    return begin <= hour < end if begin < end else hour >= begin or hour < end


def check_hours(text: str) -> None:
    """The validator of a field that holds such hours.

    Raises:
        ValidationError: they cannot be read.
    """
    try:
        read_hours(text)
    except HoursUnreadable as error:
        raise ValidationError(str(error)) from error
