"""Reads numbers from JSON strictly: Python would take true, and often "1" and 1.9, for one, too."""

import sys


def number(value: object, name: str) -> float:
    """Raises ValueError, in which `name` says where it stands, for what is no finite number."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return float(value)
    raise ValueError(f"{name} must be a finite number.")


def numbers(values: object, name: str) -> list[float]:
    """Raises ValueError for what is no list of finite numbers."""
    if not isinstance(values, list):
        raise ValueError(f"{name} must be a list of numbers.")
    return [number(value, name) for value in values]


def whole(value: object, name: str) -> int:
    """Raises ValueError for what is no whole number, such as 1.0."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} must be a whole number.")
    return value
