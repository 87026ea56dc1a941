"""Numbers in sentences are written alike everywhere."""

import pytest

from catalog.formatting import counted, megabytes, percent, percent_number, thousands


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.005, "0 %"), (0.854, "85 %"), (0.995, "100 %"), (1, "100 %")]
)
def test_share_is_written_in_whole_percent(share, text):
    assert percent(share) == text
    assert percent_number(share) == text.removesuffix(" %")


@pytest.mark.parametrize(("number", "text"), [(0, "0 photos"), (1, "1 photo"), (1200, "1200 photos")])
def test_noun_stands_in_the_plural_unless_there_is_one(number, text):
    assert counted(number, "photo") == text


def test_long_numbers_are_grouped():
    assert [thousands(number) for number in (999, 1200, 1_000_000)] == ["999", "1,200", "1,000,000"]


def test_shares_of_few_have_a_digit_more_and_sizes_are_in_megabytes():
    assert percent(0.8547, 1) == "85.5 %"
    assert megabytes(1.5 * 1024**2) == "1.5 MB"
