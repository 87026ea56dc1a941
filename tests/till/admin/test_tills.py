"""Tills in the admin: the code is shown once, and what it holds works until the till is revoked."""

import re
import urllib.parse

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from catalog.tokens import ApiToken
from tests.factories import bearer, expired, make_staff
from tests.support.pages.forms import form_fields
from tests.support.tills import get
from till.models import Till

ADD, LIST = reverse("admin:till_till_add"), reverse("admin:till_till_changelist")
STATE = reverse("till-state")


def make(client, **fields):
    form = {"name": "Counter 1", "expires_at_0": "", "expires_at_1": ""} | fields
    return client.post(ADD, form)


def secret_on(response) -> str:
    return response.context["address"].partition("#token=")[2]


def listed(client) -> list[str]:
    return [till.token.name for till in client.get(LIST).context["cl"].result_list]


def test_code_is_shown_once_and_makes_a_till(staff_client, shop, staff):
    response = make(staff_client)
    secret = secret_on(response)
    assert response.context["address"].startswith("http://testserver/till/#token=shs_")
    assert response.context["address"] in response.text
    assert "no-store" in response["Cache-Control"]
    assert get(STATE, secret).json()["till"] == "Counter 1"
    token = Till.objects.get().token
    assert (token.shop, token.created_by, token.scopes, token.expires_at) == (shop, staff, ["till"], None)
    change = reverse("admin:till_till_change", args=[Till.objects.get().pk])
    for page in (LIST, change, reverse("admin:catalog_apitoken_changelist")):
        assert secret not in staff_client.get(page).text


def test_code_is_a_picture_that_the_policy_of_the_site_allows(staff_client, shop):
    response = make(staff_client)
    source = re.search(r'<img src="(data:image/svg\+xml[^"]+)" alt="QR code', response.text).group(1)
    drawn = urllib.parse.unquote(source)
    assert "<svg" in drawn
    assert "<script" not in response.text.split("<main")[1]
    assert "img-src 'self' data:" in response["Content-Security-Policy"]


def test_http_is_said_to_give_no_camera(staff_client, shop, settings):
    assert "no camera" in make(staff_client).text
    form = {"name": "B", "expires_at_0": "", "expires_at_1": ""}
    assert "no camera" not in staff_client.post(ADD, form, secure=True).text


def test_end_can_be_given_and_then_the_till_is_refused(staff_client, shop):
    soon = timezone.localtime() + timezone.timedelta(hours=2)
    make(staff_client, expires_at_0=f"{soon:%Y-%m-%d}", expires_at_1=f"{soon:%H:%M:%S}")
    assert abs(ApiToken.objects.get().expires_at - soon) < timezone.timedelta(seconds=1)


@pytest.mark.parametrize("fields", [{"name": ""}, {"name": "x" * 101}, {"expires_at_0": "soon"}])
def test_what_cannot_be_is_refused_in_the_form(staff_client, shop, fields):
    response = make(staff_client, **fields)
    assert response.context["adminform"].form.errors
    assert not Till.objects.exists()
    assert not ApiToken.objects.exists()


def test_list_tells_how_each_till_is(staff_client, shop):
    for name, secret in (("Old", expired(shop, "till")), ("New", bearer(shop, "till"))):
        token = ApiToken.find(secret)
        ApiToken.objects.filter(pk=token.pk).update(name=name)
        Till.objects.create(token=token, version=7 if name == "New" else None)
    text = staff_client.get(LIST).text
    for word in ("expired", "active", "not yet", "never", '<td class="field-version">7</td>'):
        assert word in text
    assert listed(staff_client) == ["New", "Old"]


def test_revoked_till_is_refused_and_the_list_says_so(staff_client, till):
    assert get(STATE, till.secret).status_code == 200
    response = staff_client.post(LIST, {"action": "revoke", "_selected_action": [till.pk]}, follow=True)
    assert "1 till revoked." in response.text
    assert get(STATE, till.secret).status_code == 401
    assert '<td class="field-state">revoked</td>' in response.text
    assert LogEntry.objects.get().change_message == "Revoked."


def test_deleted_till_leaves_no_token_behind(staff_client, till):
    staff_client.post(reverse("admin:till_till_delete", args=[till.pk]), {"post": "yes"})
    assert not ApiToken.objects.exists()
    assert get(STATE, till.secret).status_code == 401


def test_deleted_together_they_leave_no_token_behind(staff_client, till, other_shop):
    kept = bearer(other_shop, "till")
    Till.objects.create(token=ApiToken.find(kept))
    pks = list(Till.objects.values_list("pk", flat=True))
    staff_client.post(LIST, {"action": "delete_selected", "_selected_action": pks, "post": "yes"})
    assert [token.shop for token in ApiToken.objects.all()] == [other_shop]


def test_till_can_be_given_another_name(staff_client, till):
    address = reverse("admin:till_till_change", args=[till.pk])
    fields = form_fields(staff_client.get(address), "till_form")
    assert fields["name"] == till.token.name
    staff_client.post(address, fields | {"name": "Counter 2"})
    assert get(STATE, till.secret).json()["till"] == "Counter 2"


def test_staff_see_and_revoke_tills_of_their_own_shops_only(staff_client, other_shop):
    secret = bearer(other_shop, "till")
    foreign = Till.objects.create(token=ApiToken.find(secret))
    assert listed(staff_client) == []
    assert staff_client.get(reverse("admin:till_till_change", args=[foreign.pk])).status_code == 302
    staff_client.post(LIST, {"action": "revoke", "_selected_action": [foreign.pk]})
    assert get(STATE, secret).status_code == 200


def test_staff_of_several_shops_choose_one_and_cannot_choose_another(client, shop, other_shop):
    client.force_login(make_staff("both", shop, other_shop))
    assert make(client, shop=other_shop.pk).status_code == 200
    assert Till.objects.get().token.shop == other_shop
    Till.objects.all().delete()
    client.force_login(make_staff("third", shop))
    assert "The shop that you chose" in make(client, shop=other_shop.pk).text
    assert not Till.objects.exists(), "the field is not theirs to send"
    third = make_staff("fourth", shop, other_shop)
    other_shop.members.remove(third)
    client.force_login(third)
    make(client, shop=other_shop.pk)
    assert not Till.objects.exists()


@pytest.mark.parametrize("missing", ["add_till", "recognize_product", "view_product"])
def test_nobody_adds_a_till_who_may_not_do_what_it_may(client, shop, missing):
    user = make_staff("clerk", shop, permissions=False)
    names = {"add_till", "view_till", "recognize_product", "view_product"} - {missing}
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    assert make(client).status_code == 403
    assert not Till.objects.exists()
    user.user_permissions.add(Permission.objects.get(codename=missing))
    assert make(client).status_code == 200
    assert Till.objects.exists()


def test_list_costs_the_same_at_any_length(staff_client, shop, django_assert_max_num_queries):
    for _ in range(40):
        Till.objects.create(token=ApiToken.find(bearer(shop, "till")))
    with django_assert_max_num_queries(12):
        assert staff_client.get(LIST).status_code == 200


def test_an_end_in_the_past_is_refused(staff_client):
    form = {"name": "Counter", "expires_at_0": "2020-01-01", "expires_at_1": "12:00:00"}
    response = staff_client.post(reverse("admin:till_till_add"), form)

    assert "This is in the past." in response.text
    assert not Till.objects.exists()
