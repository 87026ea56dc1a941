"""Two-step login: a person sets it up, logs in with it, renews its codes and switches it off."""

import logging

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.logins.second_factor import has_second_factor
from config.logins.throttle import CODE_FAILURES
from tests.factories import make_staff
from tests.support.pages.logins import (
    CODE,
    HOME,
    TWO_STEP,
    app_code,
    give_phone,
    is_in,
    key_on,
    log_in,
    next_code,
    opens_admin,
    recovery_codes_on,
)

pytestmark = pytest.mark.django_db
OWN, ELSEWHERE = "192.0.2.9", "198.51.100.99"


@pytest.fixture
def anna(shop):
    return make_staff("anna", shop)


@pytest.fixture
def browser(anna):
    """Somebody who logged in with the password, as everybody does at first."""
    client = Client()
    assert is_in(log_in("anna", "password", client=client))
    return client


def begin(address: str = "203.0.113.7") -> Client:
    """The right password, of a person of whom a code is asked."""
    client = Client()
    page = log_in("anna", "password", address, client)
    assert page.status_code == 302
    assert page.url.startswith(CODE)
    return client


def enter(client: Client, code: str, address="203.0.113.7", **more):
    return client.post(CODE, {"code": code, **more}, REMOTE_ADDR=address)


# --- set up ------------------------------------------------------------------------------------------


def test_a_person_sets_it_up_and_sees_recovery_codes_once(browser, anna):
    page = browser.get(TWO_STEP)
    assert "data:image/svg+xml" in page.text
    key = key_on(page)
    shown = browser.post(TWO_STEP, {"act": "set-up", "code": app_code(key), "password": "password"})
    codes = recovery_codes_on(shown)
    assert len(set(codes)) == 10
    assert has_second_factor(anna)
    later = browser.get(TWO_STEP).text
    assert "You have 10 recovery codes left" in later
    assert not any(code in later for code in codes)
    assert opens_admin(browser)
    assert TWO_STEP in browser.get(HOME).text


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"code": "000000", "password": "password"}, "This code is not right"),
        ({"password": "wrong"}, "This is not right"),
        ({"code": "ⅷ²3456", "password": "password"}, "This code is not right"),
        ({"code": "", "password": ""}, "This field is required"),
    ],
)
def test_without_a_right_code_and_the_password_nothing_changes(browser, anna, told, words):
    key = key_on(browser.get(TWO_STEP))
    page = browser.post(TWO_STEP, {"act": "set-up", "code": app_code(key)} | told)
    assert words in page.text
    assert key_on(page) == key
    assert not TOTPDevice.objects.exists()


def test_setting_it_up_ends_the_persons_other_logins_for_good(browser, anna):
    other = Client()
    log_in("anna", "password", client=other)
    key = key_on(browser.get(TWO_STEP))
    browser.post(TWO_STEP, {"code": app_code(key), "password": "password"})
    assert not opens_admin(other)
    browser.post(TWO_STEP, {"act": "off", "proof": "password"})
    assert opens_admin(browser)
    assert not opens_admin(other)


# --- log in ------------------------------------------------------------------------------------------


def test_the_code_is_asked_for_after_the_right_password_only(anna):
    give_phone(anna)
    assert log_in("anna", "wrong").status_code == 200
    client = begin()
    assert not opens_admin(client)
    page = enter(client, next_code(anna))
    assert is_in(page)
    assert opens_admin(client)


def test_a_code_is_taken_once(anna):
    give_phone(anna)
    code = next_code(anna)
    assert is_in(enter(begin(), code))
    page = enter(begin(), code)
    assert page.status_code == 200
    assert "was used already" in page.text


def test_a_recovery_code_lets_in_once_however_it_is_typed(anna):
    _, codes = give_phone(anna)
    assert is_in(enter(begin(), f" {codes[0].upper().replace('-', ' ')} "))
    assert not is_in(enter(begin(), codes[0]))
    assert StaticToken.objects.count() == 9


@pytest.mark.parametrize("code", ["000000", "x" * 40, "٣٤٥", "1" * 39, "aaaaa-aaaaa", "\0", ""])
def test_other_codes_let_nobody_in(anna, code):
    give_phone(anna)
    client = begin()
    assert enter(client, code).status_code == 200
    assert not opens_admin(client)


def test_the_login_leads_to_where_one_was_and_not_to_other_sites(anna):
    give_phone(anna)
    client = Client()
    page = client.post(
        "/admin/login/?next=/till/", {"username": "anna", "password": "password", "next": "/till/"}
    )
    assert client.get(page.url).status_code == 200
    assert enter(client, next_code(anna), next="/till/").url == "/till/"
    client = begin()
    assert enter(client, next_code(anna), next="https://evil.example/").url == HOME


def test_codes_are_throttled_as_passwords_are(anna, caplog):
    caplog.set_level(logging.INFO, "config.logins")
    _, codes = give_phone(anna)
    client = begin()  # the password was a try, too
    assert [enter(client, "000000").status_code for _ in range(9)] == [200] * 9
    page = enter(client, codes[0])
    assert page.status_code == 429
    assert "Too many tries" in page.text
    assert log_in("anna", "password").status_code == 429
    lines = [record.getMessage() for record in caplog.records if record.name == "config.logins"]
    assert lines[-3:-1] == [
        'code failed from 203.0.113.7 user "anna"',
        'login refused from 203.0.113.7 user "anna"',
    ]


def test_codes_are_guessed_no_faster_from_many_addresses_and_the_owner_gets_in(anna):
    assert is_in(log_in("anna", "password", OWN))
    _, codes = give_phone(anna)
    for n in range(CODE_FAILURES):
        address = f"198.51.100.{n}"
        assert enter(begin(address), "000000", address).status_code == 200
    refused = enter(begin(ELSEWHERE), codes[0], ELSEWHERE)
    assert refused.status_code == 429
    assert "Wait 24 hours" in refused.text
    assert is_in(enter(begin(OWN), codes[0], OWN))


def test_the_second_step_waits_for_a_short_while_only(anna):
    give_phone(anna)
    client = begin()
    session = client.session
    session["login_waiting"] = session["login_waiting"] | {"since": 0}
    session.save()
    assert enter(client, next_code(anna)).url.startswith(reverse("admin:login"))
    assert not opens_admin(client)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, {"password": "!"}])
def test_the_second_step_ends_when_the_person_may_not_log_in_any_more(anna, change):
    give_phone(anna)
    client = begin()
    User.objects.filter(pk=anna.pk).update(**change)
    assert enter(client, next_code(anna)).url.startswith(reverse("admin:login"))


def test_nobody_comes_to_the_second_step_without_the_first(anna):
    give_phone(anna)
    client = Client()
    assert enter(client, next_code(anna)).url.startswith(reverse("admin:login"))
    assert client.get(TWO_STEP).url.startswith(reverse("admin:login"))


def test_whoever_waits_for_a_code_cannot_set_up_another_phone(anna):
    give_phone(anna)
    client = begin()
    assert client.get(f"{TWO_STEP}?next=/till/").url == f"{CODE}?next=%2Ftill%2F"
    assert client.post(TWO_STEP, {"act": "off", "proof": "password"}).url.startswith(CODE)
    assert has_second_factor(anna)


def test_the_password_of_somebody_else_ends_ones_own_login(browser, anna, shop):
    give_phone(make_staff("berta", shop))
    log_in("berta", "password", client=browser)
    assert not opens_admin(browser)


def test_a_new_password_keeps_the_login_and_the_second_step(anna):
    give_phone(anna)
    client = begin()
    enter(client, next_code(anna))
    new = "a better one than before"
    told = {"old_password": "password", "new_password1": new, "new_password2": new}
    assert client.post(reverse("admin:password_change"), told).status_code == 302
    assert opens_admin(client)
    page = log_in("anna", new)
    assert page.url.startswith(CODE)
    assert not opens_admin(page.client)


# --- renew, switch off -------------------------------------------------------------------------------


@pytest.fixture
def two_step_browser(anna):
    client, key = Client(), give_phone(anna)[0]
    log_in("anna", "password", client=client)
    enter(client, next_code(anna))
    client.key = key
    return client


def test_new_recovery_codes_take_the_place_of_the_old_ones(two_step_browser, anna):
    old = StaticToken.objects.first().token
    shown = two_step_browser.post(TWO_STEP, {"act": "renew", "proof": "password"})
    assert len(recovery_codes_on(shown)) == 10
    assert not is_in(enter(begin(), old))
    assert is_in(enter(begin(), recovery_codes_on(shown)[0]))


@pytest.mark.parametrize("act", ["renew", "off"])
def test_a_stolen_session_changes_nothing_and_guesses_as_slowly_as_a_login(two_step_browser, anna, act):
    before = set(StaticToken.objects.values_list("token", flat=True))
    answers = [two_step_browser.post(TWO_STEP, {"act": act, "proof": f"wrong-{n}"}) for n in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert two_step_browser.post(TWO_STEP, {"act": act, "proof": "password"}).status_code == 429
    assert has_second_factor(anna)
    assert set(StaticToken.objects.values_list("token", flat=True)) == before


@pytest.mark.parametrize("proof", ["password", "code"])
def test_it_is_switched_off_with_password_or_code(two_step_browser, anna, proof):
    proof = next_code(anna) if proof == "code" else proof
    page = two_step_browser.post(TWO_STEP, {"act": "off", "proof": proof}, follow=True)
    assert "Two-step login is off" in page.text
    assert opens_admin(two_step_browser)
    assert not has_second_factor(anna)
    assert is_in(log_in("anna", "password"))


def test_a_clock_that_was_set_back_locks_nobody_out_and_lets_no_code_in_twice(anna):
    give_phone(anna)
    device = TOTPDevice.objects.get(user=anna)
    TOTPDevice.objects.filter(pk=device.pk).update(last_t=device.last_t + 5 * 120, drift=0)  # 5 hours ahead
    code = app_code(device.key)
    assert is_in(enter(begin(), code))
    assert not is_in(enter(begin(), code))
