"""The menu of the admin: the till first, then the catalogue, then Settings, each for those who may."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from tests.factories import make_staff

pytestmark = pytest.mark.django_db


def menu(client) -> list[tuple[str, list[str]]]:
    apps = client.get(reverse("admin:index")).context["app_list"]
    return [(str(app["name"]), [str(page["name"]) for page in app["models"]]) for app in apps]


def test_menu_begins_with_recognize_then_products_then_settings(staff_client):
    sections = menu(staff_client)
    assert sections[0] == ("Tills", ["Recognize", "Corrections", "Tills"])
    assert (sections[1][0], "Products" in sections[1][1]) == ("Catalog", True)
    assert sections[2] == ("Settings", ["ML Model", "Activity"])
    assert len(sections) == 4
    text = staff_client.get(reverse("admin:index")).text
    assert text.index(f'href="{reverse("till")}#"') < text.index("/admin/catalog/product/")


def test_menu_marks_the_page_that_is_open_and_no_other(staff_client):
    text = staff_client.get(reverse("admin:till_till_changelist")).text
    assert text.count('aria-current="page"') == 1


@pytest.mark.parametrize(
    ("codenames", "wanted"),
    [
        ({"recognize_product"}, [("Tills", ["Recognize"])]),
        ({"view_product"}, [("Catalog", ["Products"])]),
        ({"view_correction"}, [("Tills", ["Corrections"])]),
        (
            {"view_trainingrun", "recognize_product"},
            [("Tills", ["Recognize"]), ("Settings", ["ML Model"])],
        ),
        (set(), []),
    ],
)
def test_menu_has_what_one_may_do(client, shop, codenames, wanted):
    user = make_staff("limited", shop, permissions=False)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    assert menu(client) == wanted


def test_page_of_one_section_is_djangos_own(staff_client):
    assert menu_of(staff_client, "catalog") == ["Catalog"]


def menu_of(client, label: str) -> list[str]:
    apps = client.get(reverse("admin:app_list", args=[label])).context["app_list"]
    return [str(app["name"]) for app in apps]
