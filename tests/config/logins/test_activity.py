"""Two-step login that is switched on or off, and new recovery codes, are told as activity; no code is."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from catalog.activity.rows import Activity
from tests.factories import make_staff
from tests.support.activity import told
from tests.support.pages.logins import TWO_STEP, app_code, give_phone, key_on, log_in, recovery_codes_on

pytestmark = pytest.mark.django_db


def test_a_person_s_own_changes_are_told_without_codes(shop):
    make_staff("anna", shop)
    browser = Client()
    log_in("anna", "password", client=browser)
    Activity.objects.all().delete()
    key = key_on(browser.get(TWO_STEP))
    shown = browser.post(TWO_STEP, {"act": "set-up", "code": app_code(key), "password": "password"})
    browser.post(TWO_STEP, {"act": "renew", "proof": "password"})
    browser.post(TWO_STEP, {"act": "off", "proof": "password"})
    assert told() == [
        "anna switched two-step login on",
        "anna made new recovery codes",
        "anna switched two-step login off",
    ]
    assert not any(secret in " ".join(told()) for secret in [key, *recovery_codes_on(shown)])


def test_who_must_set_it_up_acts_before_the_login_is_complete(shop, settings):
    settings.SECOND_FACTOR = True
    make_staff("anna", shop)
    browser = Client()
    log_in("anna", "password", client=browser)
    browser.post(TWO_STEP, {"act": "set-up", "code": app_code(key_on(browser.get(TWO_STEP)))})
    browser.post(TWO_STEP, {"act": "off", "proof": "password"})
    assert told() == [
        "anna switched two-step login on",
        "anna logged in",
        "anna logged out",
        "anna switched two-step login off",
    ]


def test_administrator_who_removes_it_is_told_and_a_command_is_not(shop, admin_client):
    for name in ("anna", "bert"):
        give_phone(make_staff(name, shop))
    Activity.objects.all().delete()
    call_command("reset_second_factor", "bert")
    chosen = {"action": "remove_second_factor", "_selected_action": [User.objects.get(username="anna").pk]}
    admin_client.post(reverse("admin:auth_user_changelist"), chosen)
    assert told() == ["admin switched two-step login off for anna"]
