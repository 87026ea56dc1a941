"""One line in the log for each login, failure, refusal and logout, which fail2ban reads by docs/logins.md."""

import logging
import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.factories import make_staff
from tests.support.pages.logins import log_in

pytestmark = pytest.mark.django_db
LINE = settings.LOGGING["formatters"]["line"]


@pytest.fixture
def lines(caplog):
    """What stands in the log by now, without its time, as fail2ban sees it."""
    caplog.set_level(logging.INFO, "config.logins")
    form = logging.Formatter(LINE["format"], style=LINE["style"])

    def read() -> list[str]:
        records = [record for record in caplog.records if record.name == "config.logins"]
        return [re.sub(r"^[-\d]+ [:\d]+,\d+", "", form.format(record)) for record in records]

    return read


def banned(line: str) -> str | None:
    """The address that the filter of the documentation finds in a line."""
    text = (settings.BASE_DIR / "docs" / "logins.md").read_text()
    pattern = re.search(r"^ *failregex = (.+)$", text, re.MULTILINE)[1]
    found = re.search(pattern.replace("<ADDR>", r"(?P<address>[0-9a-fA-F:.]+)"), line)
    return found and found["address"]


def test_each_login_failure_and_logout_is_one_line(shop, lines):
    make_staff("anna", shop)
    client = Client()
    log_in("anna", "wrong", client=client)
    log_in("anna", "password", client=client)
    client.post(reverse("admin:logout"), REMOTE_ADDR="203.0.113.7")
    assert lines() == [
        ' WARNING config.logins: login failed from 203.0.113.7 user "anna"',
        ' INFO config.logins: login succeeded from 203.0.113.7 user "anna"',
        ' INFO config.logins: logout from 203.0.113.7 user "anna"',
    ]


def test_a_refusal_is_a_line_too(shop, lines):
    for _ in range(11):
        log_in("anna", "wrong")
    assert lines()[-1] == ' WARNING config.logins: login refused from 203.0.113.7 user "anna"'


def test_the_documented_filter_finds_failures_and_refusals_and_nothing_else(shop, lines):
    make_staff("anna", shop)
    log_in("anna", "password", address="2001:db8::9")
    for _ in range(11):
        log_in("anna", "wrong", address="2001:db8::1")
    found = [banned(line) for line in lines()]
    assert found == [None] + ["2001:db8::1"] * 11


@pytest.mark.parametrize(
    "name",
    [
        'x" from 198.51.100.1 user "y',
        "x\n2026-01-01 00:00:00,000 WARNING config.logins: login failed from 198.51.100.1 user ",
        "x\u2028 WARNING config.logins: login failed from 198.51.100.1 user ",
    ],
)
def test_nobody_forges_a_line(shop, lines, name):
    log_in(name, "wrong", address="203.0.113.9")
    (line,) = lines()
    assert len(line.splitlines()) == 1
    assert banned(line) == "203.0.113.9"
