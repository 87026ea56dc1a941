"""Addresses and names as they are counted and as they stand in the log."""

import pytest
from django.test import RequestFactory

from config.logins.client import NOWHERE, account_key, address_of, shown_name, throttled_address


def request_from(address, **headers):
    return RequestFactory().get("/", REMOTE_ADDR=address, headers=headers)


@pytest.mark.parametrize(
    ("address", "shown", "counted"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::9", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::1%eth0", "fe80::"),
        ("", "", NOWHERE),
        ("unix:", "", NOWHERE),
    ],
)
def test_address_is_that_of_the_connection(address, shown, counted):
    request = request_from(address, X_Forwarded_For="198.51.100.1", X_Real_IP="198.51.100.1")
    assert (address_of(request), throttled_address(request)) == (shown, counted)


@pytest.mark.parametrize("name", ["anna", " Anna", "ANNA\t", "ａｎｎａ", "an\0na", "a\u00a0nna"])
def test_a_name_is_one_account_however_it_is_written(name):
    assert account_key(name) == "anna"


def test_a_name_fits_its_column_whatever_it_grows_to():
    assert len(account_key("\ufdfa" * 150)) <= 255
    assert account_key(None) == ""


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("anna", "anna"),
        ('x" from 1.2.3.4', "x? from 1.2.3.4"),
        ("a\r\nb\x1b[31m\u2028\u202ec", "a??b?[31m??c"),
        ("x" * 61, "x" * 60 + "…"),
        (None, ""),
    ],
)
def test_a_name_in_the_log_stays_in_its_line(name, shown):
    assert shown_name(name) == shown
