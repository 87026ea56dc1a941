"""Rows that were read together: what belongs to them is read for all of them at once."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Page:
    """Some rows of one kind, and what was found out about all of them since."""

    def __init__(self, rows: list):
        self.rows = rows
        self._found: dict[Hashable, Any] = {}

    def find(self, what: Hashable, read: Callable[[list], T]) -> T:
        """What `read` finds for the rows; it is called once for each `what`."""
        if what not in self._found:
            self._found[what] = read(self.rows)
        return self._found[what]


class PagedRow:
    """A base of models whose rows know the page that the API read them in."""

    api_page: Page | None = None


def page_of(row: PagedRow) -> Page:
    """The page that a row was read in; one of its own if it was read alone."""
    if row.api_page is None:
        row.api_page = Page([row])
    return row.api_page
