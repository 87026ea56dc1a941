"""Reads JSON from outside: numbers that a float holds, and no deeper than anything of ours needs."""

import json
from math import isfinite
from typing import Any

MAX_DEPTH = 64  # objects and lists inside each other
MAX_DIGITS = 310  # of a whole number: more than any float has


class NotJson(ValueError):
    """Raised when a text is not JSON that we take; says why."""


def read_json(text: str | bytes) -> Any:
    """Read a JSON value.

    Raises:
        NotJson: it is none, a number in it is too large or none (NaN, Infinity), or it is too deep.
    """
    try:
        value = json.loads(text, parse_constant=_refuse, parse_int=_whole, parse_float=_real)
    except RecursionError as error:
        raise NotJson("it is too deep") from error
    except ValueError as error:
        raise NotJson(str(error)) from error
    _check_depth(value)
    return value


def _refuse(constant: str) -> Any:
    raise NotJson(f"{constant} is no number")


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotJson(f"a number of {len(digits)} digits is too large")
    number = int(digits)
    try:
        float(number)
    except OverflowError as error:
        raise NotJson(f"{digits[:20]}… is too large") from error
    return number


def _real(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise NotJson(f"{digits[:20]} is too large")
    return number


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise NotJson("it is too deep")


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
