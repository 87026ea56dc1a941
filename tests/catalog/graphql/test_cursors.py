"""Every pair of cursors and sizes has an answer, if only an empty one."""

import base64
import itertools

import pytest

from tests.factories import bearer, make_shop
from tests.support.api import ask, data

QUERY = """query ($first: Int, $last: Int, $after: String, $before: String) {
  products(first: $first, last: $last, after: $after, before: $before) {
    totalCount pageInfo { hasNextPage hasPreviousPage } edges { cursor node { sku } } } }"""


def cursor(offset: int) -> str:
    return base64.b64encode(f"arrayconnection:{offset}".encode()).decode()


@pytest.fixture
def token(db) -> str:
    return bearer(make_shop("a", 5), "read")


def page(token: str, **args) -> tuple[list[int], int]:
    """Places of the products on a page, and how many there are."""
    products = data(ask(QUERY, args, token=token))["products"]
    places = [cursor(n) for n in range(5)]
    return [places.index(edge["cursor"]) for edge in products["edges"]], products["totalCount"]


def test_what_is_between_two_cursors_is_answered(token):
    places = [None, *range(5), 99, 10**17]
    for after, before, first, last in itertools.product(places, places, [None, 0, 2], [None, 0, 2]):
        between = [n for n in range(5) if (after is None or n > after) and (before is None or n < before)]
        expected = between if first is None else between[:first]
        expected = expected if last is None else expected[max(len(expected) - last, 0) :]
        given = {
            "after": None if after is None else cursor(after),
            "before": None if before is None else cursor(before),
            "first": first,
            "last": last,
        }
        assert page(token, **given) == (expected, 5), given


@pytest.mark.parametrize("odd", [cursor(-1), "", "x", cursor(10**30), "YXJyYXljb25uZWN0aW9uOg=="])
@pytest.mark.parametrize("name", ["after", "before"])
def test_what_is_no_cursor_is_refused_or_answered(token, name, odd):
    answer = ask(QUERY, {name: odd}, token=token)
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    assert codes in ([], ["BAD_INPUT"])
