"""Who may change people gives no more than they have, and decides on nobody who may do more."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from tests.factories import make_shop, make_staff
from tests.support.pages.forms import form_fields

pytestmark = pytest.mark.django_db


def permission(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


@pytest.fixture
def keeper(shop):
    """A shopkeeper who looks after people and products, and nothing else."""
    keeper = make_staff("keeper", shop, permissions=False)
    names = ["change_user", "view_user", "add_user", "delete_user", "change_group", "add_group", "view_group"]
    keeper.user_permissions.set(map(permission, [*names, "view_product", "change_product"]))
    return keeper


@pytest.fixture
def client(keeper):
    client = Client()
    client.force_login(keeper)
    return client


@pytest.fixture
def clerk(shop):
    return make_staff("clerk", shop, permissions=False)


def page_of(row, name: str = "change") -> str:
    return reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_{name}", args=[row.pk])


def form_of(client, row) -> dict:
    return form_fields(client.get(page_of(row)), f"{row._meta.model_name}_form")


def test_nobody_makes_themselves_a_superuser(client, keeper):
    own = [str(pk) for pk in keeper.user_permissions.values_list("pk", flat=True)]
    typed = {"is_superuser": "on", "first_name": "K", "user_permissions": own}
    client.post(page_of(keeper), form_of(client, keeper) | typed)
    keeper.refresh_from_db()
    assert (keeper.first_name, keeper.is_superuser) == ("K", False)
    everything = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
    page = client.post(page_of(keeper), form_of(client, keeper) | {"user_permissions": everything})
    assert "is not one of the available choices" in page.text
    assert not keeper.user_permissions.filter(codename="delete_shop").exists()


def test_rights_of_one_s_own_are_given(client, clerk):
    form = form_of(client, clerk) | {"user_permissions": [str(permission("view_product").pk)]}
    assert client.post(page_of(clerk), form).status_code == 302
    assert [one.codename for one in clerk.user_permissions.all()] == ["view_product"]


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("how", ["superuser", "own right", "right of a group"])
def test_who_may_do_more_is_not_theirs_to_change(client, clerk, how, is_active):
    group = Group.objects.create(name="Tokens")
    group.permissions.add(permission("add_apitoken"))
    if how == "superuser":
        User.objects.filter(pk=clerk.pk).update(is_superuser=True)
    elif how == "own right":
        clerk.user_permissions.add(permission("add_apitoken"))
    else:
        clerk.groups.add(group)
    User.objects.filter(pk=clerk.pk).update(is_active=is_active)
    before = User.objects.get(pk=clerk.pk).password
    password = {"password1": "a new one that is long", "password2": "a new one that is long"}

    assert client.post(page_of(clerk), {"username": "mine", "is_active": "on"}).status_code == 403
    address = reverse("admin:auth_user_password_change", args=[clerk.pk])
    assert client.post(address, password | {"usable_password": "true"}).status_code == 403
    assert client.post(page_of(clerk, "delete"), {"post": "yes"}).status_code == 403
    client.post(
        reverse("admin:auth_user_changelist"),
        {"action": "delete_selected", "_selected_action": [clerk.pk], "post": "yes"},
    )
    after = User.objects.get(pk=clerk.pk)
    assert (after.username, after.password, after.is_active) == ("clerk", before, is_active)
    assert client.post(page_of(group), {"name": "mine"}).status_code == 403


def test_people_of_another_shop_are_not_seen_and_not_changed(client, keeper, shop):
    other = make_shop("other")
    far, both = (
        make_staff("far", other, permissions=False),
        make_staff("both", shop, other, permissions=False),
    )
    password = {"password1": "a new one that is long", "password2": "a new one that is long"}
    listed = client.get(reverse("admin:auth_user_changelist")).text
    assert "far" not in listed
    assert "both" in listed
    for person in (far, both):
        before = person.password
        address = reverse("admin:auth_user_password_change", args=[person.pk])
        assert client.post(address, password | {"usable_password": "true"}).status_code in {403, 404}
        assert client.post(page_of(person), {"username": "mine"}).status_code in {403, 404}
        client.post(page_of(person, "delete"), {"post": "yes"})
        person.refresh_from_db()
        assert person.password == before
    assert User.objects.filter(username__in=["far", "both"]).count() == 2
    assert form_of(client, keeper)


def test_groups_that_give_more_are_not_offered(client, clerk):
    more, same = (Group.objects.create(name=name) for name in ("more", "same"))
    more.permissions.add(permission("add_apitoken"))
    same.permissions.add(permission("view_product"))
    groups = client.get(page_of(clerk)).context["adminform"].form.fields["groups"].queryset
    assert [group.name for group in groups] == ["same"]


def test_rights_that_were_taken_meanwhile_do_not_come_back_with_an_older_form(admin_client, shop):
    clerk = make_staff("clerk", shop)
    group = Group.objects.create(name="Old")
    group.permissions.set(Permission.objects.all()[:20])
    older = {row: form_of(admin_client, row) for row in (clerk, group)}
    lists = {clerk: "user_permissions", group: "permissions"}
    for row, name in lists.items():
        older[row][name] = [str(pk) for pk in getattr(row, name).values_list("pk", flat=True)]
        getattr(row, name).clear()
    User.objects.filter(pk=clerk.pk).update(is_active=False)

    assert admin_client.post(page_of(clerk), older[clerk] | {"first_name": "Carla"}).status_code == 302
    assert admin_client.post(page_of(group), older[group] | {"name": "New"}).status_code == 302

    clerk.refresh_from_db()
    group.refresh_from_db()
    assert (clerk.first_name, clerk.is_active, clerk.user_permissions.count()) == ("Carla", False, 0)
    assert (group.name, group.permissions.count()) == ("New", 0)


def test_the_form_of_a_person_does_not_hold_what_the_password_is_kept_as(admin_client, clerk):
    text = admin_client.get(page_of(clerk)).text
    assert clerk.password not in text
    assert "opened_with" in text
