"""Whether tills send photos along is chosen in the form of the shop, beside its currency."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from catalog.models import Shop
from ml_training.models import ShopTraining
from tests.support.pages.forms import form_fields
from till.models import TillSettings

pytestmark = pytest.mark.django_db


def save(client, shop: Shop, drop: str = "", **changes):
    address = reverse("admin:catalog_shop_change", args=[shop.pk])
    fields = form_fields(client.get(address), "shop_form") | changes
    fields.pop(drop, None)
    return client.post(address, fields)


def test_photos_are_on_until_they_are_turned_off_and_on_again(staff_client, shop):
    save(staff_client, shop)
    assert not TillSettings.objects.exists(), "nothing was chosen"
    save(staff_client, shop, drop="keeps_photos")
    assert TillSettings.objects.get().keeps_photos is False
    address = reverse("admin:catalog_shop_change", args=[shop.pk])
    assert "keeps_photos" not in form_fields(staff_client.get(address), "shop_form")
    save(staff_client, shop, keeps_photos="on")
    assert TillSettings.objects.get().keeps_photos is True
    assert not ShopTraining.objects.exists(), "the other table is left alone"


@pytest.mark.parametrize("currency", ["eur", "EU", "EURO", "12A", ""])
def test_currency_is_three_capital_letters(staff_client, shop, currency):
    response = save(staff_client, shop, currency=currency)
    assert list(response.context["adminform"].form.errors) == ["currency"]
    assert save(staff_client, shop, currency="SEK").status_code == 302
    assert Shop.objects.get().currency == "SEK"


def test_whoever_may_only_look_reads_the_setting(client, staff, shop):
    staff.user_permissions.remove(Permission.objects.get(codename="change_shop"))
    client.force_login(staff)
    text = client.get(reverse("admin:catalog_shop_change", args=[shop.pk])).text
    assert "Keep photos of answers" in text
    assert 'name="keeps_photos"' not in text
