"""Sections of Settings > ML Model: the same HTML on the page and in the one answer that a script asks for."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from ml_training.runs.queue import Change, request_training
from tests.factories import make_staff
from tests.support.pages.sections import ALL, URL, ask, html_of

pytestmark = pytest.mark.django_db
CHANGES = r'name="csrfmiddlewaretoken" value="[^"]*"'  # the only thing that two renderings differ in


def names_in(html: str) -> list[str]:
    return re.findall(r'<section class="[^"]*" id="ml-\w+" data-ml-section="(\w+)"', html)


def test_page_is_made_of_the_sections_that_the_answer_has(shop, staff_client):
    page = re.sub(CHANGES, "", staff_client.get(reverse("admin:ml_model")).content.decode())
    assert names_in(page) == list(ALL)
    for name in ALL:
        assert re.sub(CHANGES, "", html_of(staff_client, name)) in page
    assert f'data-url="{URL}?shop={shop.slug}"' in page


def test_one_answer_has_those_that_were_asked_for_and_nothing_else(shop, staff_client):
    answer = html_of(staff_client, "history", "nonsense", "status", "history")
    assert names_in(answer) == ["history", "status"]
    assert "<html" not in answer
    assert ask(staff_client)["Cache-Control"].count("no-store") == 1
    assert html_of(staff_client) == ""


def test_viewer_gets_what_this_viewer_may_see(shop, client):
    viewer = make_staff("viewer", shop, permissions=False)
    viewer.user_permissions.add(Permission.objects.get(codename="view_trainingrun"))
    client.force_login(viewer)
    assert names_in(html_of(client, *ALL)) == ["status", "files", "actions", "history"]
    assert 'data-ml="prepare"' not in html_of(client, "actions")


def test_status_names_its_sequence_so_that_a_late_push_is_known(shop, staff_client):
    def sequence() -> int:
        return int(re.search(r'data-sequence="(\d+)"', html_of(staff_client, "status"))[1])

    before = sequence()
    request_training(shop.pk, Change("asked"))
    assert sequence() == shop.training.sequence == before + 1
