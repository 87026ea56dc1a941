"""Asks for sections of Settings > ML Model as the page's script does."""

from django.http import HttpResponse
from django.test import Client

from ml_training.web.sections import SECTIONS

ALL = tuple(SECTIONS)
URL = "/admin/settings/ml-model/sections/"


def ask(client: Client, *names: str, **query: str) -> HttpResponse:
    return client.get(URL, {"section": names, **query})


def html_of(client: Client, *names: str, **query: str) -> str:
    response = ask(client, *names, **query)
    assert response.status_code == 200
    return response.content.decode()
