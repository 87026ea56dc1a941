"""Logins: many guesses at once, addresses that are made up, an owner who is locked out, half a login."""

import contextlib
import re
from functools import partial

import pytest
from django.contrib.auth.models import User
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.factories import add_photo, make_staff
from tests.support.pages.logins import CODE, HOME, give_phone, next_code
from tests.support.running.victim import cookie_of
from tests.support.running.visitors import HASH, PASSWORD, Browser, at_once

LIMIT = 10  # tries for one account from one address
PROTOCOLS = ["graphql-transport-ws"]
ATTACKER, OTHER, OWNER = "127.0.0.2", "127.0.0.3", "127.0.0.4"


@pytest.fixture
def anna(victim):
    """The victim's staff, with a password that the server can check."""
    User.objects.filter(username="anna").update(password=HASH)
    return User.objects.get(username="anna")


def guess(url: str, number: int, address=ATTACKER, **headers: str) -> int:
    with Browser(url, address) as browser:
        return browser.log_in("anna", f"wrong-{number}", **headers).status_code


def is_in(answer) -> bool:
    return answer.status_code == 302 and answer.headers["Location"] == HOME


def close_code(victim, url: str, cookie: str) -> int | None:
    """How a socket ends that says nothing before; None if it does say something."""
    own = {"origin": victim.origin, "additional_headers": {"Cookie": cookie}}
    with contextlib.suppress(ConnectionClosed), connect(url, subprotocols=PROTOCOLS, **own) as talk:
        talk.send('{"type": "connection_init"}')
        talk.recv(10)
        return None
    return talk.close_code


def test_guesses_at_once_and_with_made_up_addresses_are_no_more_and_the_owner_gets_in(victim, anna):
    headers = [{"X-Forwarded-For": f"10.0.0.{n}", "X-Real-IP": f"10.0.1.{n}"} for n in range(24)]
    answers = at_once(*(partial(guess, victim.url, n, **headers[n]) for n in range(24)))
    assert sorted(answers) == [200] * LIMIT + [429] * (24 - LIMIT)
    assert not is_in(Browser(victim.url, ATTACKER).log_in("anna", PASSWORD))
    assert is_in(Browser(victim.url, OWNER).log_in("anna", PASSWORD))
    victim.answers()


def test_behind_a_proxy_the_last_address_counts_and_no_other(victim, anna, make_web_server):
    server = make_web_server(BEHIND_PROXY="1")
    for number in range(LIMIT):
        told = {"X-Forwarded-For": f"10.0.0.{number}, 198.51.100.7", "X-Forwarded-Proto": "http"}
        assert guess(server.url, number, **told) == 200
    told = {"X-Forwarded-For": "192.0.2.1, 198.51.100.7", "X-Forwarded-Proto": "http"}
    assert guess(server.url, 0, **told) == 429
    told = {"X-Forwarded-For": "198.51.100.7, 192.0.2.1", "X-Forwarded-Proto": "http"}
    assert is_in(Browser(server.url, ATTACKER).log_in("anna", PASSWORD, **told))
    assert 'login refused from 198.51.100.7 user "anna"' in server.said()


def test_each_try_is_one_line_whatever_the_name_is(victim):
    odd = [
        'a\nlogin succeeded from 192.0.2.9 user "root"',
        'b" from 192.0.2.9 user "root',
        "c\x1b[2J\u2028d",
        "e\r",
    ]
    with Browser(victim.url, ATTACKER) as browser:
        for name in odd:
            browser.log_in(name, "wrong")
    lines = [line for line in victim.process.said().splitlines() if "config.logins" in line]
    assert len(lines) == len(odd)
    for line in lines:
        assert re.search(r'login failed from 127\.0\.0\.2 user "[^\n\x1b]*"$', line), line
        assert len(re.findall(r' from 127\.0\.0\.2 user "', line)) == 1
    victim.answers()


def test_half_a_login_opens_nothing(victim, anna):
    photo = add_photo(victim.shop.products.create(sku="A", name="A"))
    give_phone(anna)
    with Browser(victim.url, ATTACKER) as browser:
        assert browser.log_in("anna", PASSWORD).headers["Location"].startswith(CODE)
        for path in (
            HOME,
            "/admin/catalog/product/",
            f"/photos/{photo.pk}/{photo.sha256}/",
            "/till/state.json",
        ):
            assert browser.get(path).status_code in {302, 401, 403, 404}, path
        asked = browser.post(
            "/graphql/", json={"query": "{ shops { totalCount } }"}, headers={"Origin": victim.origin}
        )
        assert asked.status_code in {401, 403}
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    for url in (victim.news_url, victim.socket_url):
        assert close_code(victim, url, cookie) in {4401, 4403}
    victim.answers()


def test_codes_are_guessed_no_faster_from_many_browsers_and_none_works_twice(victim, anna):
    give_phone(anna)
    browsers = [Browser(victim.url, address) for address in [ATTACKER] * 2 + [OTHER] * 2]
    for browser in browsers:
        assert browser.log_in("anna", PASSWORD).headers["Location"].startswith(CODE)
    wrong = [partial(browser.enter_code, f"{n:06}") for n, browser in enumerate(browsers * 8)]
    refused = [answer.status_code for calls in _eights(wrong) for answer in at_once(*calls)]
    assert refused.count(200) <= 2 * LIMIT, "as many as one browser gets at each of two addresses"
    assert 302 not in refused

    code = next_code(anna)
    owners = [Browser(victim.url, address) for address in (OWNER, "127.0.0.5", "127.0.0.6")]
    for browser in owners:
        browser.log_in("anna", PASSWORD)
    answers = at_once(*(partial(browser.enter_code, code) for browser in owners))
    assert [is_in(answer) for answer in answers].count(True) == 1
    victim.answers()


def _eights(calls: list) -> list[list]:
    return [calls[at : at + 8] for at in range(0, len(calls), 8)]


def test_a_session_ends_with_the_password_and_with_the_right_to_log_in(victim, anna):
    make_staff("berta", victim.shop)
    cookies = {name: cookie_of(User.objects.get(username=name)) for name in ("anna", "berta")}
    for cookie in cookies.values():
        assert Browser(victim.url, cookie=cookie).get(HOME).status_code == 200
    anna.set_password("another one that is long")
    anna.save()
    User.objects.filter(username="berta").update(is_active=False)
    for cookie in cookies.values():
        browser = Browser(victim.url, cookie=cookie)
        assert browser.get(HOME).status_code == 302
        assert browser.get("/till/state.json").status_code == 401
        assert close_code(victim, victim.news_url, cookie) in {4401, 4403}
    victim.answers()
