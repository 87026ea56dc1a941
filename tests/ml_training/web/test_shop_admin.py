"""The form of a shop has the settings of its training, for whoever may see and change the shop."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db.models import F
from django.urls import reverse

from catalog.models import Shop
from ml_training.models import ShopTraining, TrainingRun
from tests.factories import choose, serve
from tests.support.pages.forms import form_fields
from tests.support.training import counters

pytestmark = pytest.mark.django_db
ADD = reverse("admin:catalog_shop_add")


def form_of(shop: Shop) -> str:
    return reverse("admin:catalog_shop_change", args=[shop.pk])


def settings_of(shop: Shop) -> tuple[str, str]:
    return ShopTraining.objects.values_list("names_wrong_choice", "deep_hours").get(shop=shop)


def save(client, shop: Shop, **changes):
    fields = form_fields(client.get(form_of(shop)), "shop_form")
    return client.post(form_of(shop), fields | changes)


def test_form_shows_the_settings_where_they_were_with_what_they_mean(staff_client, shop):
    choose(shop, names_wrong_choice="0.05", deep_hours="20-6")
    response = staff_client.get(form_of(shop))
    assert list(response.context["adminform"].form.fields) == [
        "name",
        "slug",
        "currency",
        "names_wrong_choice",
        "foreign_shown_choice",
        "deep_hours",
        "keeps_photos",
        "members",
    ]
    assert "When to answer without asking:" in response.text
    assert "Hours of deep training:" in response.text
    assert "How many of 100 names that it gives may be wrong" in response.text
    assert "such as 20-6" in response.text
    fields = form_fields(response, "shop_form")
    assert (fields["names_wrong_choice"], fields["deep_hours"]) == ("0.05", "20-6")


def test_settings_are_saved_and_queue_no_training(staff_client, shop):
    assert save(staff_client, shop, names_wrong_choice="0.01", deep_hours="22-5").status_code == 302
    assert settings_of(shop) == ("0.01", "22-5")
    assert counters(shop) == (0, 0)
    assert not TrainingRun.objects.exists()
    assert "Hours of deep training" in LogEntry.objects.get().get_change_message()


def test_saving_settings_writes_nothing_else_of_the_row(staff_client, shop, monkeypatch):
    """A photo may be added while somebody has the form open."""
    version = serve(shop)
    before = ShopTraining.objects.get(shop=shop).wanted
    save_shop = Shop.save

    def photo_comes_in(self, *args, **kwargs):
        save_shop(self, *args, **kwargs)
        ShopTraining.objects.filter(shop=self).update(wanted=F("wanted") + 1)

    monkeypatch.setattr(Shop, "save", photo_comes_in)
    save(staff_client, shop, deep_hours="22-5")
    row = ShopTraining.objects.get(shop=shop)
    assert (row.wanted, row.active_version, row.deep_hours) == (before + 1, version, "22-5")


def test_form_without_a_choice_makes_no_row(staff_client, shop):
    save(staff_client, shop, name="Corner shop")
    assert Shop.objects.get().name == "Corner shop"
    assert not ShopTraining.objects.exists()
    training = ShopTraining.of(Shop.objects.get())
    assert (training.names_wrong, training.deep_hours) == (0.02, "")


def test_new_shop_is_made_with_its_settings(admin_client):
    fields = form_fields(admin_client.get(ADD), "shop_form")
    assert fields["names_wrong_choice"] == "0.02"
    admin_client.post(ADD, fields | {"name": "New", "slug": "new", "deep_hours": "8-17"})
    assert settings_of(Shop.objects.get(slug="new")) == ("0.02", "8-17")


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("deep_hours", "at night", "must look like 20-6"),
        ("deep_hours", "1-2-3-4-5-6", "at most 10 characters"),
        ("names_wrong_choice", "0.5", "not one of the available choices"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_their_field(staff_client, shop, setting, value, problem):
    response = save(staff_client, shop, **{setting: value})
    errors = response.context["adminform"].form.errors
    assert list(errors) == [setting]
    assert problem in errors[setting][0]
    assert len(errors[setting]) == 1
    assert not ShopTraining.objects.exists()


def test_whoever_may_only_look_reads_the_settings(client, staff, shop):
    choose(shop, deep_hours="20-6")
    staff.user_permissions.remove(Permission.objects.get(codename="change_shop"))
    client.force_login(staff)
    text = client.get(form_of(shop)).text
    assert 'name="deep_hours"' not in text
    assert "20-6</div>" in text.replace("\n", "")
    assert "2 of 100 wrong" in text
    assert "Hours of deep training:" in text
    assert "How many of 100 names that it gives may be wrong" in text


def test_list_of_shops_costs_the_same_number_of_queries_at_any_length(
    admin_client, shop, django_assert_max_num_queries
):
    for number in range(30):
        Shop.objects.create(name=f"Shop {number}", slug=f"shop-{number}")
    with django_assert_max_num_queries(8):
        assert admin_client.get(reverse("admin:catalog_shop_changelist")).status_code == 200
