"""Sessions name the backend that let them in: those that are open stay so when it is replaced by one of ours."""

from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations
from django.utils import timezone

DJANGOS, OURS = "django.contrib.auth.backends.ModelBackend", "config.logins.backends.PasswordAlone"


def rename(apps, schema_editor, old=DJANGOS, new=OURS):
    store = SessionStore()
    sessions = apps.get_model("sessions", "Session").objects.filter(expire_date__gt=timezone.now())
    for session in sessions.iterator():
        data = store.decode(session.session_data)
        if data.get(BACKEND_SESSION_KEY) == old:
            session.session_data = store.encode(data | {BACKEND_SESSION_KEY: new})
            session.save(update_fields=["session_data"])


def rename_back(apps, schema_editor):
    rename(apps, schema_editor, OURS, DJANGOS)


class Migration(migrations.Migration):
    dependencies = [("sessions", "0001_initial")]

    operations = [migrations.RunPython(rename, rename_back)]
