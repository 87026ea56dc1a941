"""A second factor is removed by others when the phone is lost, and nobody reads its secret."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from config.logins.second_factor import has_second_factor
from tests.factories import make_staff
from tests.support.pages.logins import CODE, HOME, give_phone, is_in, log_in, next_code, opens_admin

pytestmark = pytest.mark.django_db
USERS = reverse("admin:auth_user_changelist")


@pytest.fixture
def anna(shop):
    return make_staff("anna", shop)


@pytest.fixture
def two_step_browser(anna):
    client = Client()
    give_phone(anna)
    log_in("anna", "password", client=client)
    client.post(CODE, {"code": next_code(anna)})
    return client


def test_the_command_removes_it_and_ends_the_logins(two_step_browser, anna, capsys, caplog):
    call_command("reset_second_factor", "anna")
    assert "anna now logs in with the password alone" in capsys.readouterr().out
    assert not opens_admin(two_step_browser)
    assert is_in(log_in("anna", "password"))
    assert 'second factor removed user "anna" by "manage.py"' in caplog.messages
    call_command("reset_second_factor", "anna")
    assert "nothing to remove" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no user called 'berta'"):
        call_command("reset_second_factor", "berta")


def test_a_superuser_removes_it_and_others_may_not(two_step_browser, anna, client):
    asked = {"action": "remove_second_factor", "_selected_action": [anna.pk]}
    manager = make_staff("manager", permissions=False)
    manager.user_permissions.set(Permission.objects.filter(codename__in=("view_user", "change_user")))
    client.force_login(manager)
    client.post(USERS, asked)
    assert has_second_factor(anna)
    client.force_login(User.objects.create_superuser("boss"))
    page = client.post(USERS, asked, follow=True)
    assert "1 person logs in with the password alone now" in page.text
    assert not has_second_factor(anna)
    assert not opens_admin(two_step_browser)


def test_nobody_reads_the_secrets_of_devices_in_the_admin(client, anna):
    give_phone(anna)
    client.force_login(User.objects.create_superuser("boss"))
    page = client.get(HOME).text
    assert "otp" not in page.lower().replace("two-step", "")
    assert client.get("/admin/otp_totp/totpdevice/").status_code == 404
