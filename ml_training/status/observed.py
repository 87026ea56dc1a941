"""What was seen of a shop's answers in use, told by whoever sees it: the apps above register here."""

from collections.abc import Callable

from catalog.models import Shop

_readers: list[Callable[[Shop], str]] = []


def register(reader: Callable[[Shop], str]) -> None:
    """Add what tells of a shop in a sentence, or nothing."""
    _readers.append(reader)


def observed_in_words(shop: Shop) -> list[str]:
    return [sentence for reader in _readers if (sentence := reader(shop))]
