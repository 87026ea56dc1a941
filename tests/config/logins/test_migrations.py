"""Who is logged in stays so when the backend of sessions is replaced by our own."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.models import Session
from django.test import Client

from tests.factories import make_staff
from tests.support.pages.logins import log_in, opens_admin

migration = import_module("config.logins.migrations.0001_keep_sessions")


@pytest.mark.django_db
def test_open_sessions_stay_open(shop):
    make_staff("anna", shop)
    client, nobody = Client(), Client()
    log_in("anna", "password", client=client)
    for browser, told in ((client, {BACKEND_SESSION_KEY: migration.DJANGOS}), (nobody, {"other": 1})):
        session = browser.session
        session.update(told)
        session.save()
    assert not opens_admin(client)
    migration.rename(apps, None)
    assert opens_admin(client)
    migration.rename_back(apps, None)
    assert not opens_admin(client)
    assert Session.objects.count() == 2
