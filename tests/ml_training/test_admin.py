"""Training has one place only in the admin: neither its rows nor the queue's are listed beside the page."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse


def sections(client) -> dict[str, set[str]]:
    """What the admin index links to, by the first part of the address below /admin/."""
    html = client.get(reverse("admin:index")).content.decode()
    links = set(re.findall(r'href="(/admin/[^"?#]+)"', html))
    found = {}
    for link in links:
        found.setdefault(link.split("/")[2], set()).add(link)
    return found


def test_neither_training_nor_the_queue_registers_a_model():
    apps = {model._meta.app_label for model in admin.site._registry}
    assert "catalog" in apps
    assert not apps & {"ml_training", "django_q"}


def test_index_of_a_superuser_shows_training_as_one_page_of_the_settings(admin_client):
    found = sections(admin_client)
    assert found["settings"] == {reverse("admin:ml_model"), reverse("admin:activity")}
    assert not {"ml_training", "django_q"} & set(found)


@pytest.mark.parametrize(
    "path", ["ml_training/", "ml_training/trainingrun/", "ml_training/modelversion/", "django_q/ormq/"]
)
def test_rows_of_training_cannot_be_opened_or_written_by_address(admin_client, path):
    assert admin_client.get(f"/admin/{path}").status_code == 404
    assert admin_client.get(f"/admin/{path}add/").status_code == 404
