"""Who may see versions, and who may choose one."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from ml_training.models import ModelVersion
from ml_training.runs.queue import Change, request_training
from tests.factories import add_version, make_staff
from tests.support.sections import URL, html_of
from tests.support.training import active_version, trained, work

pytestmark = pytest.mark.django_db(transaction=True)


PAGE = "/admin/settings/ml-model/"


VERSIONS = f"{PAGE}versions/"


LIST = f"{URL}?section=versions"


ACTIVATE = f"{VERSIONS}activate/"


def rows(html: str) -> dict[int, tuple[str, str]]:
    """By version: its state, and what its button says."""
    found = {}
    for number, state, rest in re.findall(
        r'data-version="(\d+)" data-state="([\w-]+)">(.*?)</li>', html, flags=re.DOTALL
    ):
        button = re.search(r"<button[^>]*>([^<]*)</button>", rest)
        found[int(number)] = (state, button[1] if button else "")
    return found


def listed(client, **query) -> dict[int, tuple[str, str]]:
    return rows(html_of(client, "versions", **query))


def text(client, address: str = LIST) -> str:
    html = re.sub(r"<[^>]*>", " ", client.get(address).content.decode())
    return re.sub(r"\s+", " ", html)


def without(staff, codename: str):
    staff.user_permissions.remove(Permission.objects.get(codename=codename))


def several(shop, count: int = 3, **metrics) -> list[ModelVersion]:
    """Versions without files in the storage; the newest one serves."""
    made = [add_version(shop) for _ in range(count)]
    ModelVersion.objects.update(metrics=metrics)
    return made


@pytest.fixture
def two(shop) -> ModelVersion:
    """Two real versions of which the second serves; returns the first."""
    first = trained(shop, products=2, photos=1)
    request_training(shop.pk, Change("asked"))
    work()
    return first


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
    assert client.get(ACTIVATE).status_code == 405
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
