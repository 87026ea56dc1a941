"""Guessing is slowed down by account and address together, and nobody is locked out from elsewhere."""

import sqlite3
import threading
from datetime import timedelta

import pytest
from axes.models import AccessAttempt, AccessLog
from django.db import connection, connections
from django.utils import timezone

from config.logins import throttle
from config.logins.throttle import ADDRESS_FAILURES, drop_old
from tests.factories import make_staff
from tests.support.pages.logins import is_in, log_in, opens_admin

ELSEWHERE = "198.51.100.1"
LIMIT = 10


@pytest.fixture
def anna(shop):
    return make_staff("anna", shop)


def guess(times: int, username: str = "anna", **options) -> list[int]:
    return [log_in(username, f"wrong-{n}", **options).status_code for n in range(times)]


def make_older(passed: timedelta) -> None:
    """Let time pass for what is counted."""
    for model in (AccessAttempt, AccessLog):
        for row in model.objects.all():
            model.objects.filter(pk=row.pk).update(attempt_time=row.attempt_time - passed)


@pytest.mark.django_db
def test_whoever_guesses_must_wait_and_reads_for_how_long(anna):
    assert guess(LIMIT) == [200] * LIMIT
    page = log_in("anna", "password")
    assert page.status_code == 429
    assert 14 * 60 < int(page["Retry-After"]) <= 15 * 60 + 1
    assert "Too many tries. Wait 15 minutes, then try again." in page.text
    assert "_auth_user_id" not in page.client.session


@pytest.mark.django_db
def test_the_pause_ends_by_itself_and_tries_during_it_do_not_lengthen_it(anna):
    guess(LIMIT)
    make_older(timedelta(minutes=14))
    assert log_in("anna", "password").status_code == 429
    make_older(timedelta(minutes=1))
    assert is_in(log_in("anna", "password"))


@pytest.mark.django_db
def test_nobody_is_locked_out_from_elsewhere(anna):
    guess(LIMIT + 1)
    assert is_in(log_in("anna", "password", address=ELSEWHERE))
    make_staff("berta")
    assert is_in(log_in("berta", "password"))


@pytest.mark.django_db
@pytest.mark.parametrize("name", [" anna", "anna ", "ａｎｎａ", "ANNA", "Anna"])
def test_another_form_of_the_name_gives_no_more_tries(anna, name):
    guess(LIMIT)
    assert guess(1, name) == [429]


@pytest.mark.django_db
def test_no_header_gives_more_tries(anna):
    headers = {
        "X-Forwarded-For": "198.51.100.9",
        "X-Real-IP": "198.51.100.9",
        "Forwarded": "for=198.51.100.9",
    }
    for n in range(LIMIT):
        log_in("anna", "wrong", **{**headers, "User-Agent": f"browser {n}", "Accept": f"text/{n}"})
    assert log_in("anna", "wrong", **headers, **{"User-Agent": "another"}).status_code == 429
    assert set(AccessAttempt.objects.values_list("ip_address", flat=True)) == {"203.0.113.7"}


@pytest.mark.django_db
def test_addresses_of_one_ipv6_network_are_one(anna):
    for n in range(LIMIT):
        log_in("anna", "wrong", address=f"2001:db8:0:1::{n}")
    assert log_in("anna", "wrong", address="2001:db8:0:1:ffff::1").status_code == 429
    assert is_in(log_in("anna", "password", address="2001:db8:0:2::1"))


@pytest.mark.django_db
def test_a_login_begins_the_count_anew(anna):
    guess(LIMIT - 1)
    assert is_in(log_in("anna", "password"))
    assert guess(LIMIT) == [200] * LIMIT


@pytest.mark.django_db
def test_one_address_that_tries_many_accounts_reaches_none_that_it_is_not_known_for(anna):
    make_staff("berta")
    assert is_in(log_in("anna", "password"))
    for n in range(ADDRESS_FAILURES):
        log_in(f"nobody-{n}", "wrong")
    assert log_in("berta", "password").status_code == 429
    assert is_in(log_in("anna", "password"))  # who works there is not locked out by it
    assert is_in(log_in("berta", "password", address=ELSEWHERE))
    make_older(timedelta(minutes=15))
    assert is_in(log_in("berta", "password"))


@pytest.mark.django_db
def test_a_clock_that_was_set_back_holds_nobody(anna):
    guess(LIMIT)
    make_older(timedelta(hours=-3))
    assert is_in(log_in("anna", "password"))


@pytest.mark.django_db
def test_what_was_sent_is_not_kept(anna):
    log_in("anna", "my old password")
    kept = [*AccessAttempt.objects.values(), *AccessLog.objects.values()]
    assert kept
    assert "my old password" not in str(kept)


@pytest.mark.django_db
def test_counts_and_known_addresses_are_removed_after_a_while(anna):
    guess(1)
    log_in("anna", "password")
    drop_old()
    assert (AccessAttempt.objects.count(), AccessLog.objects.count()) == (1, 1)
    make_older(timedelta(days=2))
    drop_old()
    assert (AccessAttempt.objects.count(), AccessLog.objects.count()) == (0, 1)
    make_older(timedelta(days=throttle.KNOWN_DAYS))
    drop_old()
    assert AccessLog.objects.count() == 0
    AccessLog.objects.create(username="anna", ip_address=ELSEWHERE)
    AccessLog.objects.update(attempt_time=timezone.now() + timedelta(days=400))
    drop_old()
    assert AccessLog.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_get_no_more_tries_than_one_after_the_other(shop):
    make_staff("anna", shop)
    start, answers = threading.Barrier(20), []

    def one(number: int):
        start.wait()
        answers.append(log_in("anna", f"wrong-{number}").status_code)
        connections.close_all()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] * LIMIT + [429] * LIMIT


@pytest.mark.django_db(transaction=True)
def test_a_busy_database_is_said_in_a_sentence(shop):
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite locks the whole database")
    make_staff("anna", shop)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout=50")
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        page = log_in("anna", "password")
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert page.status_code == 503
    assert "The database is busy" in page.text
    connection.close()
    assert is_in(log_in("anna", "password"))


@pytest.mark.django_db
def test_a_login_leads_into_the_admin_and_only_with_the_password(anna, client):
    assert log_in("anna", "wrong", client=client).status_code == 200
    assert not opens_admin(client)
    assert is_in(log_in("anna", "password", client=client))
    assert opens_admin(client)
