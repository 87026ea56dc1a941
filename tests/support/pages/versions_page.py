"""The versions on Settings > ML Model, read as a person does, and shops that have some."""

import re

import pytest
from django.contrib.auth.models import Permission

from ml_training.models import ModelVersion
from ml_training.runs.queue import Change, request_training
from tests.factories import add_version
from tests.support.pages.sections import URL, html_of
from tests.support.training import trained, work

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
