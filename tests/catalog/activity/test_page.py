"""Settings > Activity: who may read it, what filters leave, and a file that no spreadsheet computes."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from catalog.activity.actor import Actor
from catalog.activity.rows import Activity, drop_old, record
from ml_training.events import reconciled
from tests.factories import make_staff

pytestmark = pytest.mark.django_db
Kind = Activity.Kind


@pytest.fixture
def rows(shop, other_shop) -> None:
    record(Kind.PRODUCT, "added the product Oat milk", shop, Actor("anna", address="192.0.2.1"))
    record(Kind.PHOTO, "added the photo a.jpg to Oat milk", shop, Actor("=cmd()", is_token=True))
    record(Kind.PRODUCT, "added the product Theirs", other_shop, Actor("bert"))
    record(Kind.LOGIN, "logged in", None, Actor("anna"))


def keeper(*shops) -> Client:
    person = make_staff("keeper", *shops)
    person.user_permissions.add(Permission.objects.get(codename="view_activity"))
    client = Client()
    client.force_login(person)
    Activity.objects.filter(who="keeper").delete()
    return client


def get(client, **filters) -> str:
    return client.get(reverse("admin:activity"), filters).content.decode()


def test_only_who_may_reads_it_and_sees_it_in_the_menu(rows, shop, client):
    client.force_login(make_staff("clerk", shop, permissions=False))
    assert client.get(reverse("admin:activity")).status_code == 403
    assert reverse("admin:activity") not in client.get(reverse("admin:index")).content.decode()
    assert Client().get(reverse("admin:activity")).status_code == 302
    assert reverse("admin:activity") in keeper(shop).get(reverse("admin:index")).content.decode()


def test_one_reads_of_ones_own_shops_and_a_superuser_of_everything(rows, shop, admin_client):
    page = get(keeper(shop))
    assert "added the product Oat milk" in page
    assert "192.0.2.1" in page
    assert "Theirs" not in page
    assert "logged in" not in page
    everything = get(admin_client)
    assert "Theirs" in everything
    assert "logged in" in everything


def test_filters_leave_what_was_asked_for(rows, shop, other_shop, admin_client):
    today = timezone.localdate()
    for filters, there, not_there in (
        ({"kind": "photo"}, "a.jpg", "the product Oat milk"),
        ({"who": "ANNA"}, "the product Oat milk", "Theirs"),
        ({"shop": other_shop.pk}, "Theirs", "Oat milk"),
        ({"text": "a.JPG"}, "a.jpg", "Theirs"),
        ({"since": str(today + timedelta(days=1))}, "Nobody did anything", "Theirs"),
        ({"until": str(today - timedelta(days=1))}, "Nobody did anything", "Theirs"),
        ({"since": "nonsense", "page": "999", "kind": "nothing", "shop": "0"}, "Theirs", "Nobody did"),
    ):
        page = get(admin_client, **filters)
        assert there in page, filters
        assert not_there not in page.partition("<tbody>")[2] or there == "Nobody did anything", filters


def test_file_has_what_is_filtered_and_no_formula(rows, shop):
    response = keeper(shop).get(reverse("admin:activity"), {"export": "csv", "kind": "photo"})
    lines = response.content.decode().splitlines()
    assert response["Content-Type"].startswith("text/csv")
    assert len(lines) == 2
    assert "'=cmd()" in lines[1]


def test_page_takes_the_same_queries_however_much_there_is(shop, admin_client, django_assert_max_num_queries):
    for number in range(120):
        record(Kind.PRODUCT, f"added the product {number}", shop, Actor("anna"))
    with django_assert_max_num_queries(8):
        page = get(admin_client)
    assert page.count("added the product") == 50
    assert "Page 1 of 3" in page


def test_old_rows_go_with_the_reconciler(rows, settings):
    Activity.objects.filter(who="bert").update(at=timezone.now() - timedelta(days=366))
    reconciled.send(None)
    assert not Activity.objects.filter(who="bert").exists()
    assert Activity.objects.count() == 3
    settings.ACTIVITY_DAYS = 0
    assert drop_old() == 3
