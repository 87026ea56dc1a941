"""Ids as callers send them."""

import pytest

from api.errors import BAD_INPUT, ApiError
from api.fields import read_id


@pytest.mark.parametrize(("sent", "number"), [("7", 7), ("007", 7), (7, 7), ("9" * 18, 10**18 - 1)])
def test_id_is_read_as_a_number(sent, number):
    assert read_id(sent, "no") == number


@pytest.mark.parametrize("sent", ["", "x", "-1", "1.0", " 1", "٣", "²", "9" * 19])
def test_id_that_is_no_number_is_refused_with_the_sentence_of_its_field(sent):
    with pytest.raises(ApiError, match=r"^runId is a number\.$") as refused:
        read_id(sent, "runId is a number.")
    assert refused.value.code == BAD_INPUT
