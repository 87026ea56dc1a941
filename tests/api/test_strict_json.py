"""JSON from outside: what a float holds, no deeper than anything of ours needs, and nothing that is none."""

import pytest

from api.strict_json import MAX_DEPTH, NotJson, read_json

TAKEN = ["1", "-1.5e300", str(2**53), "1" * 308, '"\\u0000"', "[]", '{"a": [true, null]}', "1e-400"]
REFUSED = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e309",
    "-1e999",
    "1" * 310,
    "1" * 5000,
    "9" * 309,
    '{"a": [1e400]}',
]
REFUSED += ["", "{", "1 2", "[" * 100_000, "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)]


@pytest.mark.parametrize("text", TAKEN, ids=lambda text: text[:20])
def test_plain_values_are_taken(text):
    assert read_json(text) == read_json(text.encode())


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:20])
def test_what_nothing_of_ours_can_hold_is_refused_with_a_reason(text):
    with pytest.raises(NotJson) as refused:
        read_json(text)

    assert 0 < len(str(refused.value)) < 200


def test_the_deepest_that_is_taken():
    assert read_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
