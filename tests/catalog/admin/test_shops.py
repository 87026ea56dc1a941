"""The form of a shop offers as members the people of one's own shops only."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from tests.factories import make_staff


@pytest.fixture
def keeper(shop):
    keeper = make_staff("keeper", shop)
    keeper.user_permissions.add(Permission.objects.get(codename="change_shop"))
    return keeper


def offered(client, shop) -> set[str]:
    page = client.get(reverse("admin:catalog_shop_change", args=[shop.pk])).content.decode()
    select = re.search(r'<select name="members".*?</select>', page, re.DOTALL)[0]
    return set(re.findall(r"<option[^>]*>([^<]+)</option>", select))


def test_people_of_other_shops_are_not_offered_and_cannot_be_chosen(
    client, shop, other_shop, keeper, admin_user
):
    anna, stranger = make_staff("anna", shop), make_staff("stranger", other_shop)
    client.force_login(keeper)
    assert offered(client, shop) == {"keeper", "anna"}
    form = {"name": shop.name, "slug": shop.slug, "currency": shop.currency}
    url = reverse("admin:catalog_shop_change", args=[shop.pk])
    response = client.post(url, form | {"members": [keeper.pk, anna.pk, stranger.pk]})
    assert "not one of the available choices" in response.content.decode()
    assert not shop.members.filter(pk=stranger.pk).exists()
    client.force_login(admin_user)
    assert "stranger" in offered(client, shop)
