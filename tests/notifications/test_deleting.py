"""Shops and people can be deleted by who may, whatever news they have had."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from catalog.models import Shop
from notifications.models import Notification
from tests.factories import make_shop, make_staff


@pytest.fixture
def boss(db):
    return get_user_model().objects.create_superuser("boss", password="password")


@pytest.fixture
def told(boss):
    """A shop and its member, each with news."""
    shop = make_shop("corner", products=1, photos=1)
    anna = make_staff("anna", shop)
    for person in (boss, anna):
        Notification.objects.create(
            recipient=person,
            shop=shop,
            kind="ML_TRAINING",
            level="info",
            title="t",
            message="m",
            key=person.pk,
        )
    return shop, anna


def confirm(user, address: str) -> int:
    client = Client()
    client.force_login(user)
    return client.post(address, {"post": "yes"}).status_code


def test_a_person_who_has_had_news_can_be_deleted(boss, told):
    _, anna = told

    assert confirm(boss, f"/admin/auth/user/{anna.pk}/delete/") == 302

    assert not get_user_model().objects.filter(pk=anna.pk).exists()
    assert [note.recipient for note in Notification.objects.all()] == [boss]


def test_a_shop_can_be_deleted_with_all_that_is_its_own(boss, told):
    shop, _ = told

    assert confirm(boss, f"/admin/catalog/shop/{shop.pk}/delete/") == 302

    assert not Shop.objects.filter(pk=shop.pk).exists()
    assert not Notification.objects.exists()


def test_news_cannot_be_deleted_by_themselves(boss, told):
    note = Notification.objects.get(recipient=boss)

    assert confirm(boss, f"/admin/notifications/notification/{note.pk}/delete/") == 403

    assert Notification.objects.filter(pk=note.pk).exists()
