"""What strangers and odd dates can do to the table and its page."""

import pytest
from django.urls import reverse

from catalog.activity.rows import LOGINS_OF_ADDRESS, Activity

pytestmark = pytest.mark.django_db


def test_names_that_a_guesser_makes_up_fill_no_table(client):
    for number in range(LOGINS_OF_ADDRESS + 5):
        client.post(reverse("admin:login"), {"username": f"guess{number}", "password": "wrong"})
    assert Activity.objects.count() == LOGINS_OF_ADDRESS
    client.post(reverse("admin:login"), {"username": "else", "password": "wrong"}, REMOTE_ADDR="192.0.2.1")
    assert Activity.objects.count() == LOGINS_OF_ADDRESS + 1


@pytest.mark.parametrize("zone", ["Europe/Oslo", "America/New_York"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_days_at_the_ends_of_the_calendar_filter_nothing(admin_client, settings, zone, day):
    settings.TIME_ZONE = zone
    for name in ("since", "until"):
        assert admin_client.get(reverse("admin:activity"), {name: day}).status_code == 200
