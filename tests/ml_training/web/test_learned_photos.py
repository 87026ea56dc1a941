"""The page of what a version learned."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.factories import add_version, fill, learn, stock
from tests.support.pages.sections import URL

pytestmark = pytest.mark.django_db(transaction=True)


PAGE = "/admin/settings/ml-model/"


VERSIONS = f"{PAGE}versions/"
LIST = f"{URL}?section=versions"


def text(client, address: str = LIST) -> str:
    html = re.sub(r"<[^>]*>", " ", client.get(address).content.decode())
    return re.sub(r"\s+", " ", html)


def without(staff, codename: str):
    staff.user_permissions.remove(Permission.objects.get(codename=codename))


# --- What a version learned ------------------------------------------------------------------------


def test_photos_that_a_version_learned_are_listed_with_those_that_are_gone(shop, staff_client):
    first, second, third = stock(shop, products=3, photos=2)
    learn(shop)
    gone, moved = first.images.first(), second.images.first()
    gone_pk = gone.pk
    gone.delete()
    moved.product = third
    moved.save()
    html = staff_client.get(f"{VERSIONS}1/photos/", {"shop": shop.slug}).content.decode()
    assert "6 photos, by product" in html
    assert f'data-photo="{gone_pk}" data-there="false"' in html
    assert html.count(">gone<") == 1
    assert html.count("moved since") == 1
    product = reverse("admin:catalog_product_change", args=[third.pk])
    assert f'<a class="ml-moved" href="{product}">' in html
    third.delete()
    assert "(deleted)" in staff_client.get(f"{VERSIONS}1/photos/").content.decode()


def test_list_of_photos_has_pages_and_costs_the_same_on_each(shop, staff_client):
    fill(shop, 50, photos=5)
    learn(shop)
    counts = set()
    for page, photos in (("1", 100), ("3", 50), ("99", 50), ("x", 100)):
        with CaptureQueriesContext(connection) as captured:
            html = staff_client.get(f"{VERSIONS}1/photos/", {"page": page}).content.decode()
        assert html.count("data-photo=") == photos
        counts.add(len(captured))
    assert len(counts) == 1
    assert counts.pop() <= 10


def test_version_of_an_earlier_release_says_that_nothing_was_written_down(shop, staff_client):
    add_version(shop)
    assert "was not written down" in text(staff_client, f"{VERSIONS}1/photos/")
    assert staff_client.get(f"{VERSIONS}2/photos/").status_code == 404


def test_list_of_photos_takes_the_right_to_see_photos(shop, staff, staff_client):
    fill(shop, 2, photos=1)
    learn(shop)
    without(staff, "view_productimage")
    assert staff_client.get(f"{VERSIONS}1/photos/").status_code == 403
    assert f"{VERSIONS}1/photos/" not in staff_client.get(LIST).content.decode()
