"""API tokens in the admin: shown once, revoked, for one's own shops and with one's own rights only."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from catalog.graphql import queries
from catalog.scopes import all_scopes
from catalog.tokens import ApiToken
from ml_training.graphql import link as linking_schema
from ml_training.graphql import mutations
from ml_training.graphql import types as schema_types
from tests.factories import bearer, make_staff
from tests.support.api import ask, code, data
from till.permissions import TILL

ADD, LIST = reverse("admin:catalog_apitoken_add"), reverse("admin:catalog_apitoken_changelist")
READ_SHOPS = "{ shops { totalCount } }"


def make(client, **fields):
    form = {"name": "Till", "scopes": ["read"], "expires_at_0": "", "expires_at_1": ""} | fields
    return client.post(ADD, form)


def secret_on(response) -> str:
    return response.context["secret"]


def test_token_is_shown_once_and_works(staff_client, shop, staff):
    response = make(staff_client)
    secret = secret_on(response)
    assert secret in response.text
    assert "no-store" in response["Cache-Control"]
    token = ApiToken.objects.get()
    assert (token.shop, token.created_by, token.scopes) == (shop, staff, ["read"])
    assert data(ask(READ_SHOPS, token=secret))["shops"]["totalCount"] == 1
    for page in (LIST, reverse("admin:catalog_apitoken_change", args=[token.pk])):
        assert secret not in staff_client.get(page).text
        assert token.digest not in staff_client.get(page).text
    assert secret not in str(ApiToken.objects.values().get())


def test_revoked_token_is_refused_from_then_on(staff_client, shop):
    secret = bearer(shop)
    token = ApiToken.objects.get()
    staff_client.post(LIST, {"action": "revoke", "_selected_action": [token.pk]})
    answer = ask(READ_SHOPS, token=secret)
    assert code(answer) == "UNAUTHENTICATED"
    assert "revoked" in answer["errors"][0]["message"]


def test_staff_see_and_revoke_tokens_of_their_own_shops_only(staff_client, other_shop):
    secret = bearer(other_shop)
    token = ApiToken.objects.get()
    assert token.prefix not in staff_client.get(LIST).text
    assert staff_client.get(reverse("admin:catalog_apitoken_change", args=[token.pk])).status_code == 302
    staff_client.post(LIST, {"action": "revoke", "_selected_action": [token.pk]})
    assert "errors" not in ask(READ_SHOPS, token=secret)


def test_staff_of_several_shops_choose_one_and_cannot_choose_another(client, shop, other_shop):
    far = make_staff("far")
    client.force_login(make_staff("both", shop, other_shop))
    assert make(client, shop=other_shop.pk).status_code == 200
    assert ApiToken.objects.get().shop == other_shop
    other_shop.members.clear()
    other_shop.members.add(far)
    third = make_staff("third", shop)
    client.force_login(third)
    assert "The shop that you chose" in make(client, shop=other_shop.pk).text
    assert not ApiToken.objects.filter(created_by=third).exists(), "the field is not theirs to send"


@pytest.mark.parametrize(("scope", "given"), [("recognize", True), ("read", False), ("train", False)])
def test_nobody_gives_a_token_more_than_they_may_do(client, shop, scope, given):
    user = make_staff("clerk", shop, permissions=False)
    names = ["add_apitoken", "view_apitoken", "view_product"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    make(client, scopes=[scope])
    assert ApiToken.objects.exists() == given


def test_form_offers_the_scopes_of_all_apps_in_their_order(staff_client):
    form = staff_client.get(ADD).context["adminform"].form
    assert [(name, str(label)) for name, label in form.fields["scopes"].choices] == [
        ("read", "Read products, photos, training status and models"),
        ("recognize", "Recognise products on photos"),
        ("train", "Prepare training data, and choose or bring the model that serves"),
        ("till", "Be a till: recognise products, and send corrections"),
    ]


def test_form_keeps_what_it_offers_while_another_persons_is_made(rf, staff, shop):
    def form_of(user):
        request = rf.get(ADD)
        request.user = user
        return admin.site.get_model_admin(ApiToken).get_form(request)

    form = form_of(staff)
    form_of(make_staff("clerk", shop, permissions=False))
    assert [name for name, _ in form().fields["scopes"].choices] == list(all_scopes())


def test_list_costs_the_same_number_of_queries_at_any_length(
    staff_client, shop, django_assert_max_num_queries
):
    for _ in range(40):
        bearer(shop)
    with django_assert_max_num_queries(14):
        assert staff_client.get(LIST).status_code == 200


def test_scopes_need_every_permission_that_the_api_asks_people_for():
    """Whoever makes a token could do all that it may do."""
    asked = {}
    for module in (queries, linking_schema, mutations, schema_types):
        for name, value in vars(module).items():
            if name.startswith("MAY_"):
                permission, *scopes = value
                for scope in scopes:
                    asked.setdefault(scope, set()).add(permission)
    needed = {name: scope.permissions for name, scope in all_scopes().items()}
    assert {scope: asked[scope] - needed[scope] for scope in asked} == {scope: set() for scope in asked}
    assert set(asked) == set(needed) - {TILL}, "a till's token opens nothing of the API"


def test_an_end_in_the_past_is_refused(staff_client):
    response = make(staff_client, expires_at_0="2020-01-01", expires_at_1="12:00:00")

    assert "This is in the past." in response.text
    assert not ApiToken.objects.exists()


def test_forms_of_two_people_offer_each_what_they_may_give(rf, shop, django_user_model):
    weak, boss = rf.get(ADD), rf.get(ADD)
    weak.user = make_staff("weak", shop, permissions=False)
    weak.user.user_permissions.set(Permission.objects.filter(codename__in=["add_apitoken", "view_product"]))
    boss.user = django_user_model.objects.create_superuser("boss", password="password")
    tokens = admin.site.get_model_admin(ApiToken)

    of_weak, of_boss = tokens.get_form(weak), tokens.get_form(boss)

    assert [name for name, _ in of_weak.base_fields["scopes"].choices] == ["recognize"]
    assert [name for name, _ in of_boss.base_fields["scopes"].choices] == list(all_scopes())


def test_scopes_are_asked_again_of_the_person_who_saves(rf, shop):
    request = rf.post(ADD)
    request.user = make_staff("weak", shop, permissions=False)
    token = ApiToken(shop=shop, name="Program", scopes=["train"])

    with pytest.raises(PermissionDenied):
        admin.site.get_model_admin(ApiToken).save_model(request, token, form=None, change=False)

    assert not ApiToken.objects.exists()
