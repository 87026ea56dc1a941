"""How numbers are written in sentences for people, in all of them alike."""


def percent(share: float, digits: int = 0) -> str:
    """A share of 0 to 1, such as "85 %"."""
    return f"{percent_number(share, digits)} %"


def percent_number(share: float, digits: int = 0) -> str:
    """The same where a column or a sentence says already that it is of a hundred."""
    return f"{100 * share:.{digits}f}"


def megabytes(size: float) -> str:
    """Bytes, such as "1.5 MB"."""
    return f"{size / 1024**2:.1f} MB"


def counted(number: int, noun: str) -> str:
    """Such as "1 photo" and "3 photos"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def thousands(number: int) -> str:
    """Such as "1,200"."""
    return f"{number:,}"
