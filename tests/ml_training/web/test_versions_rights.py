"""Who may see versions, and who may choose one."""

import pytest
from django.test import Client

from tests.factories import make_staff
from tests.support.pages.sections import html_of
from tests.support.pages.versions_page import ACTIVATE, LIST, PAGE, VERSIONS, listed, several, without
from tests.support.training import active_version

pytestmark = pytest.mark.django_db(transaction=True)


# --- Who may ---------------------------------------------------------------------------------------


def test_whoever_may_not_choose_sees_no_button_and_is_refused(shop, staff, staff_client):
    several(shop)
    without(staff, "change_modelversion")
    assert {button for _, button in listed(staff_client).values()} == {""}
    assert staff_client.post(ACTIVATE, {"version": "1"}).status_code == 403
    assert active_version(shop).number == 3


def test_whoever_may_not_see_versions_sees_none(shop, staff, staff_client):
    several(shop)
    without(staff, "view_modelversion")
    assert "ml-versions" not in staff_client.get(PAGE).content.decode().replace("versions.css", "")
    assert listed(staff_client) == {}
    assert "ml-versions" not in html_of(staff_client, "versions")
    assert staff_client.post(ACTIVATE, {"version": "1"}).status_code == 403
    assert staff_client.get(f"{VERSIONS}1/photos/").status_code == 403


@pytest.mark.parametrize("method", ["get", "post"])
def test_another_shop_is_not_found(staff_client, other_shop, method):
    several(other_shop)
    address = f"{LIST}&shop=other" if method == "get" else f"{ACTIVATE}?shop=other"
    sent = {} if method == "get" else {"data": {"version": "1"}}
    assert getattr(staff_client, method)(address, **sent).status_code == 404
    assert active_version(other_shop).number == 3


def test_whoever_is_not_logged_in_is_sent_to_the_login(client, shop):
    for response in (client.get(LIST), client.post(ACTIVATE, {"version": "1"})):
        assert response.status_code == 302
        assert "/admin/login/" in response["Location"]


def test_choosing_takes_a_post_with_the_token(shop, staff):
    several(shop)
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff)
    assert client.get(ACTIVATE).status_code == 302
    assert client.post(ACTIVATE, {"version": "1"}).status_code == 403
    assert active_version(shop).number == 3


@pytest.mark.parametrize("version", ["", "x", "0", "99", "-1", "1" * 30, "²", None])
def test_version_that_there_is_not_is_not_found(shop, staff_client, version):
    several(shop)
    assert staff_client.post(ACTIVATE, {} if version is None else {"version": version}).status_code == 404
    assert active_version(shop).number == 3


def test_user_of_no_shop_is_told_so(client, db):
    client.force_login(make_staff("newcomer"))
    assert client.get(LIST).status_code == 404
